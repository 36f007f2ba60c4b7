// Sizes of the SSD kernels; see ssd.cu.
#pragma once

#include "common.cuh"

constexpr int CHUNK = 64;
constexpr int TILE = 64;
constexpr int THREADS = 128;

// ---- sizes -----------------------------------------------------------------------------------------------------------------

struct Sizes {
    int length, heads, head_dim, groups, d_state;

    __device__ int inner() const { return heads * head_dim; }
    __device__ int xbc() const { return inner() + 2 * groups * d_state; }
    __device__ int chunks() const { return (length + CHUNK - 1) / CHUNK; }
    __device__ int b_offset(int group) const { return inner() + group * d_state; }
    __device__ int c_offset(int group) const { return inner() + (groups + group) * d_state; }
    __device__ int group_of(int h) const { return h / (heads / groups); }
    __device__ int p_tiles() const { return (head_dim + TILE - 1) / TILE; }
    __device__ int n_tiles() const { return (d_state + TILE - 1) / TILE; }
    __device__ size_t state() const { return static_cast<size_t>(head_dim) * d_state; }
    // Elements of chunk c.
    __device__ int count(int c) const { return min(CHUNK, length - c * CHUNK); }
};

__device__ __forceinline__ float skip_of(const float* d, const Sizes& s, int per_channel_d, int h, int p) {
    return d == nullptr ? 0.0f : d[per_channel_d ? h * s.head_dim + p : h];
}
