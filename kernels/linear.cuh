// Linear layers, y = x W^T, x (rows, in), W (out, in) in the formats of WeightMatrix: F32, BF16, INT8 with a scale for each row, INT4
// with a scale for each block of 32.
//
// linear_<format>_<R>, for few rows: what generation does for each token, limited by reading the weights. Each weight is read
// once for R rows of x (once more, from L2, for each R further rows: blockIdx.y), multiplied as it is stored, and summed in f32.
//
//   Geometry: a block is a warp, so that blocks spread evenly over multiprocessors whatever `out` is. LANES lanes share a row of
//   W (4 for F32, else 8), so the warp has 32 / LANES rows. A lane brings 16-byte pieces c, c + LANES, ... of its row to a ring
//   in shared memory by asynchronous copies: memory is kept busy while the warp computes. All lanes of a row then take
//   units of four k from the ring, neighbours next to each other, so their loads of x are contiguous and one load serves all rows of W
//   in the warp; x stays in L1. (With INT4 a unit is 4 bytes as they lie: four k and the four 16 further on.)
//   The ring is 4 groups of GROUP pieces a lane; groups are waited for one by one, three are always under way.
//
//   Bytes under way: an H100 has 3.4 TB/s, and a read takes about 0.7 us under load: 2.4 MB, 18 KB for each of 132 multiprocessors.
//   A warp has 3 * GROUP * 512 bytes under way: 12 KB for F32 and two rows. A projection of AiM-XL, 6448 x 1536, is 806
//   warps, 6 on a multiprocessor: 72 KB. 1536 x 3072 is 192 warps: 2.3 MB together, just enough. With 8 lanes to a row that is 384
//   warps: BF16 and INT8 have 6 KB each under way, 2.3 MB again; INT4 3 KB, half of the matrix.
//   Additions of a row of y: a lane's k in order; then over lanes, neighbours first. For F32 that is the order of tile.cuh, so bits
//   do not depend on rows or on which kernel runs. A path for rows of W that are no multiple of 16 bytes fills the ring by
//   plain loads.
//   Columns of y go to up to three matrices, those of one of them through a causal convolution with a state: see Columns. normed.cuh
//   streams the same way behind a norm.
//
// linear_tile_<format>_<edge>, for more rows, formats other than F32: tiles of tile.cuh with the weights widened by the loader. BF16
// weights are their own bf16 number and INT8 integers too (their scale follows in the store); x is split into two. A weight
// of INT4, (q - 8) scale, needs 11 bits and is split as well.
//
// A file for each format, because the driver compiles a file when it is loaded. Limits: INT4 needs in % 32 == 0 (WeightFormat.fits).
// Reference: cpu/ScalarGemmKernels.java.
#pragma once

#include "tile.cuh"

enum class Format { F32, BF16, INT8, INT4 };

constexpr int BLOCK = 32; // weights of INT4 that share a scale

// 4 bytes, as copy_async_16. The emulator copies at once.
__device__ __forceinline__ void copy_async_4(float* shared, const float* global, bool valid) {
#ifdef __CUDACC__
    unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(shared));
    int bytes = valid ? 4 : 0;
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" : : "r"(address), "l"(global), "r"(bytes) : "memory");
#else
    *shared = valid ? *global : 0.0f;
#endif
}

// An integer 0 to 255 as the float 2^23 + it: without a conversion, which runs at a quarter of the speed.
__device__ __forceinline__ float above_2_23(unsigned integer) {
    return __uint_as_float(0x4b000000u | integer);
}

template <Format F, int R>
struct Stream {
    static constexpr int LANES = F == Format::F32 ? 4 : 8;
    static constexpr int GROUP = F == Format::F32 ? (R <= 2 ? 8 : 4) : F == Format::INT4 ? 2 : 4;
    static constexpr int GROUPS = 4;
    static constexpr int UNIT_BYTES = F == Format::F32 ? 16 : F == Format::BF16 ? 8 : 4;
    static constexpr int UNITS = 16 / UNIT_BYTES; // of a lane in a stage
    static constexpr int STAGES = GROUP * GROUPS;
    static constexpr int ROWS = WARP / LANES; // of W in a warp

    static __device__ __forceinline__ int row_bytes(int in) {
        return F == Format::F32 ? 4 * in : F == Format::BF16 ? 2 * in : F == Format::INT8 ? in : in / 2;
    }

    // Where piece `piece` of the stage lies for row `row` of the warp: rotated, so that the units that a warp reads at a time are in
    // different banks.
    static __device__ __forceinline__ int slot(int row, int piece) {
        return row * LANES + (F == Format::F32 ? piece : (piece + row * (UNIT_BYTES / 2)) % LANES);
    }
};

// x[k .. k + 3], zeros behind n: no branch, so that loads of many units are under way together. SHARED: x is in shared memory.
template <bool VECTOR, bool SHARED>
__device__ __forceinline__ void load_x(float (&v)[4], const float* x, int k, int n) {
    if constexpr (SHARED) {
        set4(v, k < n ? *reinterpret_cast<const float4*>(x + k) : make_float4(0.0f, 0.0f, 0.0f, 0.0f));
    } else if constexpr (VECTOR) {
        set4(v, k < n ? __ldg(reinterpret_cast<const float4*>(x + k)) : make_float4(0.0f, 0.0f, 0.0f, 0.0f));
    } else {
#pragma unroll
        for (int e = 0; e < 4; e++) v[e] = k + e < n ? __ldg(x + k + e) : 0.0f;
    }
}

// Where the columns of a product go: the first `columns` to y (rows, columns), the next `channels` as one element of each sequence
// through a causal convolution (conv1d.cu) of CONV_WIDTH to convolved (rows, channels), the others to after. Each with its bias, if there
// are any. An element of the state (rows, channels, CONV_WIDTH) belongs to the lane that has its channel and row: it is updated in place.
struct Columns {
    float *y, *convolved, *after, *state;
    const float *bias, *conv_w, *conv_bias; // bias and conv_bias may be null
    int columns, channels, with_silu;
};

constexpr int CONV_WIDTH = 4;

// Column j of OWN rows, first + i * step: what a lane stores. `load` brings what that needs, long before the sums are there if there are
// registers for it.
template <int OWN>
struct ColumnStore {
    const Columns& to;
    int j, out, rows, first, step, channel; // channel: none if negative
    float bias, conv_bias, w[CONV_WIDTH], old[OWN][CONV_WIDTH];

    __device__ __forceinline__ float4* state(int row) const {
        return reinterpret_cast<float4*>(to.state) + static_cast<size_t>(row) * to.channels + channel;
    }

    __device__ __forceinline__ ColumnStore(const Columns& columns, int j_, int out_, int rows_, int first_, int step_)
        : to(columns), j(j_), out(out_), rows(rows_), first(first_), step(step_), channel(-1), bias(0.0f), conv_bias(0.0f) {}

    __device__ __forceinline__ void load() {
        if (j >= out) return;
        if (to.bias != nullptr) bias = to.bias[j];
        if (j < to.columns || j >= to.columns + to.channels) return;
        channel = j - to.columns;
        if (to.conv_bias != nullptr) conv_bias = to.conv_bias[channel];
        set4(w, reinterpret_cast<const float4*>(to.conv_w)[channel]);
#pragma unroll
        for (int i = 0; i < OWN; i++) {
            if (first + i * step < rows) set4(old[i], *state(first + i * step));
        }
    }

    // Adds and multiplies in the order of the kernels that do it one after the other.
    __device__ __forceinline__ void operator()(int i, float v) const {
        int row = first + i * step;
        if (j >= out || row >= rows) return;
        if (to.bias != nullptr) v = __fadd_rn(v, bias);
        if (j < to.columns) {
            to.y[static_cast<size_t>(row) * to.columns + j] = v;
        } else if (channel < 0) {
            int rest = to.columns + to.channels;
            to.after[static_cast<size_t>(row) * (out - rest) + j - rest] = v;
        } else {
            *state(row) = make_float4(old[i][1], old[i][2], old[i][3], v);
            float u = conv_bias;
#pragma unroll
            for (int m = 0; m < CONV_WIDTH; m++) u = fmaf(w[m], m == CONV_WIDTH - 1 ? v : old[i][m + 1], u);
            to.convolved[static_cast<size_t>(row) * to.channels + channel] = to.with_silu ? silu(u) : u;
        }
    }
};

// What warp `index` does of the product for rows `first` to first + R - 1 of x. VECTOR: rows of W and x are multiples of 16 bytes.
// Where they are not, code is kept small rather than fast. SHARED: x is in shared memory, VECTOR holds. `before` is called by all
// warps when the first weights are under way; then those that are not `active` return.
template <Format F, int R, bool VECTOR, bool SHARED, class Before>
__device__ __forceinline__ void stream(uint4 (*ring)[WARP], float (*scale_ring)[WARP], const Columns& to, const float* x,
                                       const unsigned char* __restrict__ w, const float* __restrict__ scales, int rows, int out,
                                       int in, int index, int first, bool active, Before before) {
    static_assert(VECTOR || !SHARED);
    using S = Stream<F, R>;
    constexpr int LANES = S::LANES;
    int lane = static_cast<int>(threadIdx.x) % WARP;
    int row = lane / LANES, c = lane % LANES;
    int j = active ? index * S::ROWS + row : out;
    int bytes = S::row_bytes(in);
    int pieces = (bytes + 15) / 16;
    int stages = (pieces + LANES - 1) / LANES;
    int groups = (stages + S::GROUP - 1) / S::GROUP;
    const unsigned char* weights = w + static_cast<size_t>(j) * bytes; // not read if j is outside

    auto bring = [&](int group) {
#pragma unroll(VECTOR ? S::GROUP : 1)
        for (int i = 0; i < S::GROUP; i++) {
            int stage = group * S::GROUP + i;
            int piece = stage * LANES + c;
            bool valid = j < out && piece < pieces;
            uint4* to = &ring[stage % S::STAGES][S::slot(row, c)];
            if constexpr (VECTOR) {
                copy_async_16(to, valid ? weights + 16 * piece : w, valid);
            } else {
                *to = make_uint4(0u, 0u, 0u, 0u);
                unsigned char* each = reinterpret_cast<unsigned char*>(to);
                for (int b = 0; b < 16; b++) {
                    if (valid && 16 * piece + b < bytes) each[b] = weights[16 * piece + b];
                }
            }
            if constexpr (F == Format::INT4) {
                copy_async_4(&scale_ring[stage % S::STAGES][lane], valid ? scales + j * (in / BLOCK) + piece : scales, valid);
            }
        }
        copy_async_commit();
    };

    float sum[R];
    int x_row[R]; // rows behind the last repeat it, and are not stored
#pragma unroll
    for (int r = 0; r < R; r++) {
        sum[r] = 0.0f;
        x_row[r] = min(first + r, rows - 1) * in;
    }
    if (active) {
        for (int g = 0; g < S::GROUPS - 1; g++) bring(g);
    }
    ColumnStore<(R + LANES - 1) / LANES> store(to, j, out, rows, first + c, LANES);
    if constexpr (R <= 8) store.load();
    before();
    if (!active) return; // a warp
    for (int g = 0; g < groups; g++) {
        __syncwarp(); // the group that is overwritten has been read
        bring(g + S::GROUPS - 1);
        copy_async_wait<S::GROUPS - 1>();
        __syncwarp();
#pragma unroll(VECTOR && R <= 4 ? S::GROUP : 1) // many rows are loads enough
        for (int i = 0; i < S::GROUP; i++) {
            int stage = g * S::GROUP + i;
            const unsigned char* data = reinterpret_cast<const unsigned char*>(ring[stage % S::STAGES]);
#pragma unroll(VECTOR ? (R <= 8 || S::UNITS == 1 ? S::UNITS : 2) : 1)
            for (int t = 0; t < S::UNITS; t++) {
                int local = t * LANES + c; // unit of the row in this stage
                int unit = stage * LANES * S::UNITS + local;
                const unsigned char* at = data + S::slot(row, local / S::UNITS) * 16 + local % S::UNITS * S::UNIT_BYTES;
                if constexpr (F == Format::INT4) {
                    int k = unit / 4 * BLOCK + unit % 4 * 4;
                    unsigned pairs = *reinterpret_cast<const unsigned*>(at);
                    float scale = scale_ring[stage % S::STAGES][row * LANES + local / 4];
                    float low[4], high[4];
#pragma unroll
                    for (int e = 0; e < 4; e++) {
                        low[e] = above_2_23(pairs >> 8 * e & 15u) - 8388616.0f;
                        high[e] = above_2_23(pairs >> (8 * e + 4) & 15u) - 8388616.0f;
                    }
#pragma unroll
                    for (int r = 0; r < R; r++) {
                        float a[4], b[4], part = 0.0f;
                        load_x<true, SHARED>(a, x + x_row[r], k, in);
                        load_x<true, SHARED>(b, x + x_row[r], k + 16, in);
#pragma unroll
                        for (int e = 0; e < 4; e++) part = fmaf(low[e], a[e], part);
#pragma unroll
                        for (int e = 0; e < 4; e++) part = fmaf(high[e], b[e], part);
                        sum[r] = fmaf(scale, part, sum[r]);
                    }
                } else {
                    int k = unit * 4;
                    float v[4];
                    if constexpr (F == Format::F32) {
                        set4(v, *reinterpret_cast<const float4*>(at));
                    } else if constexpr (F == Format::BF16) {
                        uint2 u = *reinterpret_cast<const uint2*>(at);
                        set4(v, make_float4(__uint_as_float(u.x << 16), __uint_as_float(u.x & 0xffff0000u),
                                            __uint_as_float(u.y << 16), __uint_as_float(u.y & 0xffff0000u)));
                    } else {
                        unsigned u = *reinterpret_cast<const unsigned*>(at) ^ 0x80808080u; // value + 128
#pragma unroll
                        for (int e = 0; e < 4; e++) v[e] = above_2_23(u >> 8 * e & 255u) - 8388736.0f;
                    }
#pragma unroll
                    for (int r = 0; r < R; r++) {
                        float a[4];
                        load_x<VECTOR, SHARED>(a, x + x_row[r], k, in);
#pragma unroll
                        for (int e = 0; e < 4; e++) sum[r] = fmaf(a[e], v[e], sum[r]);
                    }
                }
            }
        }
    }
    copy_async_wait<0>(); // those behind the last piece
    if constexpr (R > 8) store.load();
    float scale = F == Format::INT8 && j < out ? scales[j] : 1.0f;
#pragma unroll
    for (int r = 0; r < R; r++) {
#pragma unroll
        for (int other = 1; other < LANES; other *= 2) sum[r] += __shfl_xor_sync(FULL_WARP, sum[r], other);
        if (c == r % LANES) store(r / LANES, F == Format::INT8 ? sum[r] * scale : sum[r]);
    }
}

#define LINEAR_PARAMETERS                                                                                                      \
    float *y, float *convolved, float *after, float *state, const float *x, const unsigned char *w, const float *scales,       \
        const float *bias, const float *conv_w, const float *conv_bias, int rows, int out, int in, int columns, int channels, \
        int with_silu
#define LINEAR_ARGUMENTS {y, convolved, after, state, bias, conv_w, conv_bias, columns, channels, with_silu}, x, w, scales, rows, out, in

template <Format F, int R>
__device__ __forceinline__ void linear(const Columns& to, const float* x, const unsigned char* w, const float* scales, int rows,
                                       int out, int in) {
    using S = Stream<F, R>;
    __shared__ uint4 ring[S::STAGES][WARP];
    __shared__ float scale_ring[F == Format::INT4 ? S::STAGES : 1][WARP];
    int index = static_cast<int>(blockIdx.x), first = static_cast<int>(blockIdx.y) * R;
    auto nothing = [] {};
    if (F == Format::INT4 || (S::row_bytes(in) % 16 == 0 && in % 4 == 0)) {
        stream<F, R, true, false>(ring, scale_ring, to, x, w, scales, rows, out, in, index, first, true, nothing);
    } else {
        stream<F, R, F == Format::INT4, false>(ring, scale_ring, to, x, w, scales, rows, out, in, index, first, true, nothing);
    }
}

// ---- tiles -------------------------------------------------------------------------------------------------------------------

// Rows of W, four weights as f32 (INT8: without their scale). `vector`: in % 4 == 0.
template <Format F>
struct Weights {
    static constexpr bool ALONG_K = true;
    const unsigned char* p;
    const float* scales;
    int out, in;
    bool vector;

    struct Cursor {
        int row;
    };

    __device__ __forceinline__ Cursor at(int row) const { return {row < out ? row : -1}; }

    struct Raw {
        unsigned low, high; // BF16: two words; INT8: one; INT4: one, and the bits by which to shift it
        float scale;        // INT4
    };

    __device__ __forceinline__ Raw load(const Cursor& c, int k) const {
        Raw raw{0u, 0u, 0.0f};
        if (c.row < 0 || k >= in) return raw;
        if constexpr (F == Format::INT4) {
            int block = c.row * (in / BLOCK) + k / BLOCK;
            raw.low = *reinterpret_cast<const unsigned*>(p + block * (BLOCK / 2) + k % 16);
            raw.high = k % BLOCK < 16 ? 0u : 4u;
            raw.scale = scales[block];
        } else if constexpr (F == Format::INT8) {
            const unsigned char* from = p + c.row * in + k;
            if (vector) {
                raw.low = *reinterpret_cast<const unsigned*>(from);
            } else {
#pragma unroll
                for (int e = 0; e < 4; e++) {
                    if (k + e < in) raw.low |= static_cast<unsigned>(from[e]) << 8 * e;
                }
            }
        } else {
            const bf16* from = reinterpret_cast<const bf16*>(p) + c.row * in + k;
            if (vector) {
                uint2 u = *reinterpret_cast<const uint2*>(from);
                raw.low = u.x;
                raw.high = u.y;
            } else {
                raw.low = from[0];
                if (k + 1 < in) raw.low |= static_cast<unsigned>(from[1]) << 16;
                if (k + 2 < in) raw.high = from[2];
                if (k + 3 < in) raw.high |= static_cast<unsigned>(from[3]) << 16;
            }
        }
        return raw;
    }

    __device__ __forceinline__ void widen(float (&v)[4], const Raw& raw) const {
        if constexpr (F == Format::BF16) {
            set4(v, make_float4(__uint_as_float(raw.low << 16), __uint_as_float(raw.low & 0xffff0000u),
                                __uint_as_float(raw.high << 16), __uint_as_float(raw.high & 0xffff0000u)));
        } else {
#pragma unroll
            for (int e = 0; e < 4; e++) {
                if constexpr (F == Format::INT8) {
                    v[e] = above_2_23((raw.low ^ 0x80808080u) >> 8 * e & 255u) - 8388736.0f;
                } else {
                    v[e] = (above_2_23(raw.low >> raw.high >> 8 * e & 15u) - 8388616.0f) * raw.scale;
                }
            }
        }
    }
};

struct ScaledStore {
    MatrixStore plain;
    const float* scales; // of the columns

    __device__ __forceinline__ void operator()(int row, int col, float v0, float v1, bool second) const {
        plain(row, col, v0 * scales[col], second ? v1 * scales[col + 1] : 0.0f, second);
    }
};

template <Format F, class Shape>
__device__ __forceinline__ void tiles(float* y, const float* x, const unsigned char* w, const float* scales, int rows, int out,
                                      int in) {
    MatrixAlongK xs{x, rows, in, in % 4 == 0};
    Weights<F> ws{w, scales, out, in, in % 4 == 0};
    MatrixStore plain{y, out, false};
    int row = static_cast<int>(blockIdx.y) * Shape::ROWS;
    int col = static_cast<int>(blockIdx.x) * Shape::COLS;
    if constexpr (F == Format::INT8) {
        tile_product<Shape>(xs, ws, ScaledStore{plain, scales}, row, col, rows, out, 0, in);
    } else {
        tile_product<Shape>(xs, ws, plain, row, col, rows, out, 0, in);
    }
}
