// A normalisation and the linear layer behind it, weights of bf16 numbers; see normed.cuh. The number: rows at most.
#include "normed.cuh"

extern "C" __global__ void __launch_bounds__(MAX_THREADS, 1) linear_normed_bf16_1(NORMED_PARAMETERS) {
    linear_normed<Format::BF16, 1>(NORMED_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(MAX_THREADS, 1) linear_normed_bf16_2(NORMED_PARAMETERS) {
    linear_normed<Format::BF16, 2>(NORMED_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(MAX_THREADS, 1) linear_normed_bf16_4(NORMED_PARAMETERS) {
    linear_normed<Format::BF16, 4>(NORMED_ARGUMENTS);
}
