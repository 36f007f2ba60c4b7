// The layout of packed pictures and filters, for conv.cu, which writes it, and conv.cuh, which reads it.
//
// Pictures (pictures, pixels, channels), channels a multiple of 4 with zeros behind those that there are; behind all of them four
// zeros. Filters (rows, runs of channels, taps, channels of a run), with zeros up to a multiple of LINE_STEP behind each row.
#pragma once

#include "common.cuh"

constexpr int LINE_STEP = 32; // a multiple of every tile's depth
constexpr int RUN = 32;

// A sum goes through all taps of a run of channels before the next run: what neighbouring taps and pixels read again is then
// still in the L1 cache.
__device__ __forceinline__ int run_of(int channels) {
    return channels % RUN == 0 ? RUN : channels;
}

__device__ __forceinline__ void load_packed(float (&v)[4], const float* p) {
    float4 f = *reinterpret_cast<const float4*>(p);
    v[0] = f.x;
    v[1] = f.y;
    v[2] = f.z;
    v[3] = f.w;
}

__device__ __forceinline__ void load_packed(float (&v)[4], const bf16* p) {
    uint2 h = *reinterpret_cast<const uint2*>(p);
    v[0] = __uint_as_float(h.x << 16);
    v[1] = __uint_as_float(h.x & 0xffff0000u);
    v[2] = __uint_as_float(h.y << 16);
    v[3] = __uint_as_float(h.y & 0xffff0000u);
}

__device__ __forceinline__ void store_packed(float* p, float a, float b) {
    *reinterpret_cast<float2*>(p) = make_float2(a, b);
}

__device__ __forceinline__ void store_packed(bf16* p, float a, float b) {
    *reinterpret_cast<unsigned*>(p) = pack_bf16(a, b);
}
