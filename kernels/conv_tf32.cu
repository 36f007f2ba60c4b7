// Convolutions with products in tf32: see conv.cu.
#include "conv.cuh"

extern "C" __global__ void __launch_bounds__(256) conv_product_128_tf32(PRODUCT_PARAMETERS(float)) {
    conv_product<TileShape<Precision::TF32, 128>>(PRODUCT_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(128) conv_product_64_tf32(PRODUCT_PARAMETERS(float)) {
    conv_product<TileShape<Precision::TF32, 64>>(PRODUCT_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(256) conv_weight_128_tf32(WEIGHT_PARAMETERS(float)) {
    conv_weight<TileShape<Precision::TF32, 128>>(WEIGHT_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(128) conv_weight_64_tf32(WEIGHT_PARAMETERS(float)) {
    conv_weight<TileShape<Precision::TF32, 64>>(WEIGHT_ARGUMENTS);
}
