// Linear layers with weights of 4-bit integers; see linear.cuh. The number: rows of x that a block takes, or the edge of a tile.
#include "linear.cuh"

extern "C" __global__ void __launch_bounds__(WARP, 8) linear_int4_1(LINEAR_PARAMETERS) {
    linear<Format::INT4, 1>(LINEAR_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(WARP, 8) linear_int4_2(LINEAR_PARAMETERS) {
    linear<Format::INT4, 2>(LINEAR_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(WARP, 8) linear_int4_4(LINEAR_PARAMETERS) {
    linear<Format::INT4, 4>(LINEAR_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(WARP, 8) linear_int4_8(LINEAR_PARAMETERS) {
    linear<Format::INT4, 8>(LINEAR_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(WARP, 8) linear_int4_16(LINEAR_PARAMETERS) {
    linear<Format::INT4, 16>(LINEAR_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(128, 4) linear_tile_int4_64(
        float* y, const float* x, const unsigned char* w, const float* scales, int rows, int out, int in) {
    tiles<Format::INT4, TileShape<Precision::BF16X3, 64>>(y, x, w, scales, rows, out, in);
}

extern "C" __global__ void __launch_bounds__(256, 2) linear_tile_int4_128(
        float* y, const float* x, const unsigned char* w, const float* scales, int rows, int out, int in) {
    tiles<Format::INT4, TileShape<Precision::BF16X3, 128>>(y, x, w, scales, rows, out, in);
}
