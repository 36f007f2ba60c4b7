// A normalisation and the linear layer behind it, weights of 8-bit integers; see normed.cuh. The number: rows at most.
#include "normed.cuh"

extern "C" __global__ void __launch_bounds__(MAX_THREADS, 1) linear_normed_int8_1(NORMED_PARAMETERS) {
    linear_normed<Format::INT8, 1>(NORMED_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(MAX_THREADS, 1) linear_normed_int8_2(NORMED_PARAMETERS) {
    linear_normed<Format::INT8, 2>(NORMED_ARGUMENTS);
}

extern "C" __global__ void __launch_bounds__(MAX_THREADS, 1) linear_normed_int8_4(NORMED_PARAMETERS) {
    linear_normed<Format::INT8, 4>(NORMED_ARGUMENTS);
}
