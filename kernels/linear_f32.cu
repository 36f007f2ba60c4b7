// Linear layers with weights of floats; see linear.cuh. The number: rows of x that a block takes.
#include "linear.cuh"

extern "C" __global__ void __launch_bounds__(WARP, 8) linear_f32_1(LINEAR_PARAMETERS) {
    linear<Format::F32, 1>(LINEAR_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(WARP, 8) linear_f32_2(LINEAR_PARAMETERS) {
    linear<Format::F32, 2>(LINEAR_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(WARP, 8) linear_f32_4(LINEAR_PARAMETERS) {
    linear<Format::F32, 4>(LINEAR_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(WARP, 8) linear_f32_8(LINEAR_PARAMETERS) {
    linear<Format::F32, 8>(LINEAR_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(WARP, 8) linear_f32_16(LINEAR_PARAMETERS) {
    linear<Format::F32, 16>(LINEAR_ARGUMENTS);
}
