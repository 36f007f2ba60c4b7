// Convolutions with products in bf16: see conv.cu.
#include "conv.cuh"

extern "C" __global__ void __launch_bounds__(256) conv_product_128_bf16(PRODUCT_PARAMETERS(bf16)) {
    conv_product<TileShape<Precision::BF16, 128>>(PRODUCT_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(128) conv_product_64_bf16(PRODUCT_PARAMETERS(bf16)) {
    conv_product<TileShape<Precision::BF16, 64>>(PRODUCT_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(256) conv_weight_128_bf16(WEIGHT_PARAMETERS(bf16)) {
    conv_weight<TileShape<Precision::BF16, 128>>(WEIGHT_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(128) conv_weight_64_bf16(WEIGHT_PARAMETERS(bf16)) {
    conv_weight<TileShape<Precision::BF16, 64>>(WEIGHT_ARGUMENTS);
}
