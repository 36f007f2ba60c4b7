// Linear layers with weights of 4-bit integers; see linear.cuh. The number: rows of x that a block takes, or the edge of a tile.
#include "linear.cuh"

extern "C" __global__ void __launch_bounds__(WARP, 8) linear_int4_1(
        float* y, const float* x, const unsigned char* w, const float* scales, int rows, int out, int in) {
    linear<Format::INT4, 1>(y, x, w, scales, rows, out, in);
}

extern "C" __global__ void __launch_bounds__(WARP, 8) linear_int4_2(
        float* y, const float* x, const unsigned char* w, const float* scales, int rows, int out, int in) {
    linear<Format::INT4, 2>(y, x, w, scales, rows, out, in);
}

extern "C" __global__ void __launch_bounds__(WARP, 8) linear_int4_4(
        float* y, const float* x, const unsigned char* w, const float* scales, int rows, int out, int in) {
    linear<Format::INT4, 4>(y, x, w, scales, rows, out, in);
}

extern "C" __global__ void __launch_bounds__(WARP, 8) linear_int4_8(
        float* y, const float* x, const unsigned char* w, const float* scales, int rows, int out, int in) {
    linear<Format::INT4, 8>(y, x, w, scales, rows, out, in);
}

extern "C" __global__ void __launch_bounds__(WARP, 8) linear_int4_16(
        float* y, const float* x, const unsigned char* w, const float* scales, int rows, int out, int in) {
    linear<Format::INT4, 16>(y, x, w, scales, rows, out, in);
}

extern "C" __global__ void __launch_bounds__(128, 4) linear_tile_int4_64(
        float* y, const float* x, const unsigned char* w, const float* scales, int rows, int out, int in) {
    tiles<Format::INT4, TileShape<Precision::BF16X3, 64>>(y, x, w, scales, rows, out, in);
}

extern "C" __global__ void __launch_bounds__(256, 2) linear_tile_int4_128(
        float* y, const float* x, const unsigned char* w, const float* scales, int rows, int out, int in) {
    tiles<Format::INT4, TileShape<Precision::BF16X3, 128>>(y, x, w, scales, rows, out, in);
}
