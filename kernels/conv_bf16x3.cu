// Convolutions with products in bf16x3: see conv.cu.
#include "conv.cuh"

extern "C" __global__ void __launch_bounds__(256) conv_product_128_bf16x3(PRODUCT_PARAMETERS(float)) {
    conv_product<TileShape<Precision::BF16X3, 128>>(PRODUCT_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(128) conv_product_64_bf16x3(PRODUCT_PARAMETERS(float)) {
    conv_product<TileShape<Precision::BF16X3, 64>>(PRODUCT_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(256) conv_weight_128_bf16x3(WEIGHT_PARAMETERS(float)) {
    conv_weight<TileShape<Precision::BF16X3, 128>>(WEIGHT_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(128) conv_weight_64_bf16x3(WEIGHT_PARAMETERS(float)) {
    conv_weight<TileShape<Precision::BF16X3, 64>>(WEIGHT_ARGUMENTS);
}
