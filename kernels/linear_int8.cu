// Linear layers with weights of 8-bit integers; see linear.cuh. The number: rows of x that a block takes, or the edge of a tile.
#include "linear.cuh"

extern "C" __global__ void __launch_bounds__(WARP, 8) linear_int8_1(LINEAR_PARAMETERS) {
    linear<Format::INT8, 1>(LINEAR_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(WARP, 8) linear_int8_2(LINEAR_PARAMETERS) {
    linear<Format::INT8, 2>(LINEAR_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(WARP, 8) linear_int8_4(LINEAR_PARAMETERS) {
    linear<Format::INT8, 4>(LINEAR_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(WARP, 8) linear_int8_8(LINEAR_PARAMETERS) {
    linear<Format::INT8, 8>(LINEAR_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(WARP, 8) linear_int8_16(LINEAR_PARAMETERS) {
    linear<Format::INT8, 16>(LINEAR_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(128, 4) linear_tile_int8_64(
        float* y, const float* x, const unsigned char* w, const float* scales, int rows, int out, int in) {
    tiles<Format::INT8, TileShape<Precision::BF16X2, 64>>(y, x, w, scales, rows, out, in);
}

extern "C" __global__ void __launch_bounds__(256, 2) linear_tile_int8_128(
        float* y, const float* x, const unsigned char* w, const float* scales, int rows, int out, int in) {
    tiles<Format::INT8, TileShape<Precision::BF16X2, 128>>(y, x, w, scales, rows, out, in);
}
