// Linear layers with weights of floats; see linear.cuh. The number: rows of x that a block takes.
#include "linear.cuh"

extern "C" __global__ void __launch_bounds__(WARP, 8) linear_f32_1(
        float* y, const float* x, const unsigned char* w, const float* scales, int rows, int out, int in) {
    linear<Format::F32, 1>(y, x, w, scales, rows, out, in);
}

extern "C" __global__ void __launch_bounds__(WARP, 8) linear_f32_2(
        float* y, const float* x, const unsigned char* w, const float* scales, int rows, int out, int in) {
    linear<Format::F32, 2>(y, x, w, scales, rows, out, in);
}

extern "C" __global__ void __launch_bounds__(WARP, 8) linear_f32_4(
        float* y, const float* x, const unsigned char* w, const float* scales, int rows, int out, int in) {
    linear<Format::F32, 4>(y, x, w, scales, rows, out, in);
}

extern "C" __global__ void __launch_bounds__(WARP, 8) linear_f32_8(
        float* y, const float* x, const unsigned char* w, const float* scales, int rows, int out, int in) {
    linear<Format::F32, 8>(y, x, w, scales, rows, out, in);
}

extern "C" __global__ void __launch_bounds__(WARP, 8) linear_f32_16(
        float* y, const float* x, const unsigned char* w, const float* scales, int rows, int out, int in) {
    linear<Format::F32, 16>(y, x, w, scales, rows, out, in);
}
