// A normalisation and the linear layer behind it, weights of floats; see normed.cuh. The number: rows at most.
#include "normed.cuh"

extern "C" __global__ void __launch_bounds__(MAX_THREADS, 1) linear_normed_f32_1(NORMED_PARAMETERS) {
    linear_normed<Format::F32, 1>(NORMED_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(MAX_THREADS, 1) linear_normed_f32_2(NORMED_PARAMETERS) {
    linear_normed<Format::F32, 2>(NORMED_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(MAX_THREADS, 1) linear_normed_f32_4(NORMED_PARAMETERS) {
    linear_normed<Format::F32, 4>(NORMED_ARGUMENTS);
}
