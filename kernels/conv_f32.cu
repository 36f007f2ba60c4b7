// Convolutions with products in exact f32: see conv.cu.
#include "conv.cuh"

extern "C" __global__ void __launch_bounds__(256, 2) conv_product_f32(PRODUCT_PARAMETERS(float)) {
    conv_product<TileShape<Precision::F32, 64>>(PRODUCT_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(256, 2) conv_weight_f32(WEIGHT_PARAMETERS(float)) {
    conv_weight<TileShape<Precision::F32, 64>>(WEIGHT_ARGUMENTS);
}
