// The kernels of ssd.cu that are products of tiles, for each precision of these: ssd_tiles_*.cu compile them, one file for each so that
// a driver compiles only those in use. Their __launch_bounds__ ask for the most blocks of a multiprocessor that need no spilling:
// four where one accumulator is live across a product, two or three where there are two of them or a state beside it.
#pragma once

#include "ssd_sizes.cuh"

constexpr int DEPTH = 16; // of a step of a product
constexpr int PITCH = 68; // of a row of a staged operand: fragments of mma and float4 columns without bank conflicts

// How tiles are multiplied.
enum Mode { F32, BF16X3, TF32, BF16 };

// exp(c_to - c_from)
__device__ __forceinline__ float decay(float2 to, float2 from) {
    return expf((to.x - from.x) + (to.y - from.y));
}

// What the products weigh elements of a chunk with; zero steps behind its end.
struct Chunk {
    float step[CHUNK];
    float2 sum[CHUNK];
    float from_start[CHUNK]; // exp(c_t)
    float to_end[CHUNK];     // exp(c_end - c_t)
};

// Fills the shared chunk from element `at` of step and sums on; a barrier must follow.
__device__ __forceinline__ void load_chunk(Chunk& chunk, const float* step, const float2* sums, size_t at, int count) {
    for (int t = static_cast<int>(threadIdx.x); t < CHUNK; t += THREADS) {
        bool valid = t < count;
        float2 sum = valid ? sums[at + t] : make_float2(0.0f, 0.0f);
        chunk.step[t] = valid ? step[at + t] : 0.0f;
        chunk.sum[t] = sum;
        chunk.from_start[t] = valid ? expf(sum.x) : 0.0f;
        chunk.to_end[t] = valid ? decay(sums[at + count - 1], sum) : 0.0f;
    }
}

// ---- products of tiles -----------------------------------------------------------------------------------------------------
// An accumulator is 8 x 4 numbers a thread. F32: rows 8 (lane / 16) + i of the warp's 16, columns 4 (lane % 16) + j. mma: columns 8 i +
// 2 (lane % 4) + j % 2, rows lane / 4 + 8 (j / 2).

__device__ __forceinline__ int warp_index() {
    return static_cast<int>(threadIdx.x) / WARP;
}

__device__ __forceinline__ int lane_index() {
    return static_cast<int>(threadIdx.x) % WARP;
}

template <int mode>
__device__ __forceinline__ int row_of(int i, int j) {
    return 16 * warp_index() + (mode == F32 ? 8 * (lane_index() / 16) + i : lane_index() / 4 + 8 * (j / 2));
}

template <int mode>
__device__ __forceinline__ int column_of(int i, int j) {
    return mode == F32 ? 4 * (lane_index() % 16) + j : 8 * i + 2 * (lane_index() % 4) + j % 2;
}

// Which part of the left operand is not zero: all, column <= row, column >= row.
enum Part { ALL, LOWER, UPPER };

__device__ __forceinline__ void multiply_f32(float (&acc)[8][4], const float* a, const float* b) {
    const float* rows = a + 16 * warp_index() + 8 * (lane_index() / 16);
    const float* columns = b + 4 * (lane_index() % 16);
#pragma unroll
    for (int k = 0; k < DEPTH; k++) {
        float4 a0 = *reinterpret_cast<const float4*>(rows + k * PITCH);
        float4 a1 = *reinterpret_cast<const float4*>(rows + k * PITCH + 4);
        float4 b0 = *reinterpret_cast<const float4*>(columns + k * PITCH);
        float row[8] = {a0.x, a0.y, a0.z, a0.w, a1.x, a1.y, a1.z, a1.w};
        float column[4] = {b0.x, b0.y, b0.z, b0.w};
#pragma unroll
        for (int i = 0; i < 8; i++) {
#pragma unroll
            for (int j = 0; j < 4; j++) acc[i][j] = fmaf(row[i], column[j], acc[i][j]);
        }
    }
}

// x = high + low, each two bf16 numbers
__device__ __forceinline__ void split_bf16(unsigned& high, unsigned& low, float x, float y) {
    high = pack_bf16(x, y);
    low = pack_bf16(x - __uint_as_float(high << 16), y - __uint_as_float(high & 0xffff0000u));
}

template <int mode>
__device__ __forceinline__ void multiply_bf16(float (&acc)[8][4], const float* a, const float* b) {
    int g = lane_index() / 4;
    int k = 2 * (lane_index() % 4);
    const float* rows = a + k * PITCH + 16 * warp_index() + g;
    const float* columns = b + k * PITCH + g;
    unsigned ah[4], al[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
        const float* from = rows + (i / 2 * 8) * PITCH + i % 2 * 8;
        if (mode == BF16X3) {
            split_bf16(ah[i], al[i], from[0], from[PITCH]);
        } else {
            ah[i] = pack_bf16(from[0], from[PITCH]);
        }
    }
#pragma unroll
    for (int n = 0; n < 8; n++) {
        unsigned bh[2], bl[2];
#pragma unroll
        for (int i = 0; i < 2; i++) {
            const float* from = columns + i * 8 * PITCH + n * 8;
            if (mode == BF16X3) {
                split_bf16(bh[i], bl[i], from[0], from[PITCH]);
            } else {
                bh[i] = pack_bf16(from[0], from[PITCH]);
            }
        }
        if (mode == BF16X3) {
            mma_bf16(acc[n], al, bh);
            mma_bf16(acc[n], ah, bl);
        }
        mma_bf16(acc[n], ah, bh);
    }
}

// The order of k within a step is free as long as both operands have the same: 2t and 2t + 1 for t and t + 4, without bank conflicts.
__device__ __forceinline__ void multiply_tf32(float (&acc)[8][4], const float* a, const float* b) {
    int g = lane_index() / 4;
    int k = 2 * (lane_index() % 4);
#pragma unroll
    for (int half = 0; half < 2; half++) {
        const float* rows = a + (8 * half + k) * PITCH + 16 * warp_index() + g;
        const float* columns = b + (8 * half + k) * PITCH + g;
        unsigned af[4] = {float_to_tf32(rows[0]), float_to_tf32(rows[8]), float_to_tf32(rows[PITCH]),
                          float_to_tf32(rows[PITCH + 8])};
#pragma unroll
        for (int n = 0; n < 8; n++) {
            unsigned bf[2] = {float_to_tf32(columns[8 * n]), float_to_tf32(columns[PITCH + 8 * n])};
            mma_tf32(acc[n], af, bf);
        }
    }
}

// Place of item s of this thread in a staged 64 x 16 operand. by_depth: memory runs along the depth, else along the rows.
template <bool by_depth>
__device__ __forceinline__ void place(int s, int& row, int& k) {
    int thread = static_cast<int>(threadIdx.x);
    if (by_depth) {
        row = thread / 8 + 16 * (s / 2);
        k = thread % 8 + 8 * (s % 2);
    } else {
        row = thread % 64;
        k = thread / 64 + 2 * s;
    }
}

// acc += A B with A (64, depth), B (depth, 64), given as functions (row or column, k) that are zero outside; each is called once for
// an element. `rows`: that A has; whole warps behind them rest. tiles: shared, 4 * DEPTH * PITCH floats.
template <int mode, bool a_by_depth, bool b_by_depth, int part, class A, class B>
__device__ __forceinline__ void multiply(float (&acc)[8][4], float* tiles, int depth, int rows, A a, B b) {
    constexpr int ITEMS = TILE * DEPTH / THREADS;
    constexpr int SIZE = DEPTH * PITCH;
    float staged_a[ITEMS], staged_b[ITEMS];
    int first_row = 16 * warp_index();
    int buffer = 0;
#pragma unroll 1
    for (int from = -DEPTH; from < depth; from += DEPTH) {
        bool more = from + DEPTH < depth;
        if (more) {
#pragma unroll
            for (int s = 0; s < ITEMS; s++) {
                int row, k;
                place<a_by_depth>(s, row, k);
                staged_a[s] = a(row, from + DEPTH + k);
                place<b_by_depth>(s, row, k);
                staged_b[s] = b(row, from + DEPTH + k);
            }
        }
        bool masked = (part == LOWER && from > first_row + 15) || (part == UPPER && from + DEPTH - 1 < first_row);
        if (from >= 0 && first_row < rows && !masked) {
            const float* tile_a = tiles + buffer * SIZE;
            const float* tile_b = tiles + (2 + buffer) * SIZE;
            if (mode == F32) {
                multiply_f32(acc, tile_a, tile_b);
            } else if (mode == TF32) {
                multiply_tf32(acc, tile_a, tile_b);
            } else {
                multiply_bf16<mode>(acc, tile_a, tile_b);
            }
        }
        if (more) {
            buffer ^= 1;
#pragma unroll
            for (int s = 0; s < ITEMS; s++) {
                int row, k;
                place<a_by_depth>(s, row, k);
                tiles[buffer * SIZE + k * PITCH + row] = staged_a[s];
                place<b_by_depth>(s, row, k);
                tiles[(2 + buffer) * SIZE + k * PITCH + row] = staged_b[s];
            }
        }
        __syncthreads();
    }
}

__device__ __forceinline__ void clear(float (&acc)[8][4]) {
#pragma unroll
    for (int i = 0; i < 8; i++) {
#pragma unroll
        for (int j = 0; j < 4; j++) acc[i][j] = 0.0f;
    }
}

// f(row, column, v) for each run of neighbours that this thread holds: 4 columns, or 2 with mma.
template <int mode, class F>
__device__ __forceinline__ void each_run(float (&acc)[8][4], F f) {
#pragma unroll
    for (int i = 0; i < 8; i++) {
        f(row_of<mode>(i, 0), column_of<mode>(i, 0), acc[i]);
        if (mode != F32) f(row_of<mode>(i, 2), column_of<mode>(i, 2), acc[i] + 2);
    }
}

template <int mode>
constexpr int RUN = mode == F32 ? 4 : 2;

template <int mode>
__device__ __forceinline__ bool is_whole(const float* p, int valid) {
    return valid >= RUN<mode> && reinterpret_cast<uintptr_t>(p) % (RUN<mode> * sizeof(float)) == 0;
}

// The first `valid` numbers of a run.
template <int mode>
__device__ __forceinline__ void write_run(float* p, const float* v, int valid) {
    if (!is_whole<mode>(p, valid)) {
#pragma unroll
        for (int j = 0; j < RUN<mode>; j++) {
            if (j < valid) p[j] = v[j];
        }
    } else if (mode == F32) {
        *reinterpret_cast<float4*>(p) = make_float4(v[0], v[1], v[2], v[3]);
    } else {
        *reinterpret_cast<float2*>(p) = make_float2(v[0], v[1]);
    }
}

// The first `valid` numbers of a run, zeros behind them.
template <int mode>
__device__ __forceinline__ void read_run(float* v, const float* p, int valid) {
    if (!is_whole<mode>(p, valid)) {
#pragma unroll
        for (int j = 0; j < RUN<mode>; j++) v[j] = j < valid ? p[j] : 0.0f;
    } else if (mode == F32) {
        float4 u = *reinterpret_cast<const float4*>(p);
        v[0] = u.x;
        v[1] = u.y;
        v[2] = u.z;
        v[3] = u.w;
    } else {
        float2 u = *reinterpret_cast<const float2*>(p);
        v[0] = u.x;
        v[1] = u.y;
    }
}

// rows[r] = sum of row r of the accumulators, shared; a barrier must follow.
template <int mode>
__device__ __forceinline__ void row_sums(float* rows, const float (&acc)[8][4]) {
    if (mode == F32) {
#pragma unroll
        for (int i = 0; i < 8; i++) {
            float sum = (acc[i][0] + acc[i][1]) + (acc[i][2] + acc[i][3]);
            for (int lane = 8; lane > 0; lane /= 2) sum += __shfl_xor_sync(FULL_WARP, sum, lane);
            if (lane_index() % 16 == 0) rows[row_of<mode>(i, 0)] = sum;
        }
    } else {
#pragma unroll
        for (int j = 0; j < 4; j += 2) {
            float sum = 0.0f;
#pragma unroll
            for (int i = 0; i < 8; i++) sum += acc[i][j] + acc[i][j + 1];
            for (int lane = 2; lane > 0; lane /= 2) sum += __shfl_xor_sync(FULL_WARP, sum, lane);
            if (lane_index() % 4 == 0) rows[row_of<mode>(0, j)] = sum;
        }
    }
}

// Each accumulator becomes the sum of those left of it in its row.
template <int mode>
__device__ __forceinline__ void prefix_sums(float (&acc)[8][4]) {
    if (mode == F32) {
#pragma unroll
        for (int i = 0; i < 8; i++) {
            float sums[3] = {acc[i][0], acc[i][0] + acc[i][1], acc[i][0] + acc[i][1] + acc[i][2]};
            float sum = sums[2] + acc[i][3]; // over the lanes up to this one
#pragma unroll
            for (int delta = 1; delta < 16; delta *= 2) {
                float before = __shfl_up_sync(FULL_WARP, sum, delta, 16);
                if (lane_index() % 16 >= delta) sum += before;
            }
            float left = __shfl_up_sync(FULL_WARP, sum, 1, 16);
            if (lane_index() % 16 == 0) left = 0.0f;
            acc[i][0] = left;
#pragma unroll
            for (int j = 1; j < 4; j++) acc[i][j] = left + sums[j - 1];
        }
    } else {
#pragma unroll
        for (int j = 0; j < 4; j += 2) {
            float carry = 0.0f;
#pragma unroll
            for (int i = 0; i < 8; i++) {
                float sum = acc[i][j] + acc[i][j + 1];
#pragma unroll
                for (int delta = 1; delta < 4; delta *= 2) {
                    float before = __shfl_up_sync(FULL_WARP, sum, delta, 4);
                    if (lane_index() % 4 >= delta) sum += before;
                }
                float left = __shfl_up_sync(FULL_WARP, sum, 1, 4);
                left = lane_index() % 4 == 0 ? carry : carry + left;
                acc[i][j + 1] = left + acc[i][j];
                acc[i][j] = left;
                carry += __shfl_sync(FULL_WARP, sum, 3, 4);
            }
        }
    }
}

// columns[w * TILE + c] = sum of column c over the rows of warp w, shared; a barrier must follow.
template <int mode>
__device__ __forceinline__ void column_sums(float* columns, const float (&acc)[8][4]) {
    float* mine = columns + warp_index() * TILE;
    if (mode == F32) {
#pragma unroll
        for (int j = 0; j < 4; j++) {
            float sum = 0.0f;
#pragma unroll
            for (int i = 0; i < 8; i++) sum += acc[i][j];
            sum += __shfl_xor_sync(FULL_WARP, sum, 16);
            if (lane_index() < 16) mine[column_of<mode>(0, j)] = sum;
        }
    } else {
#pragma unroll
        for (int i = 0; i < 8; i++) {
#pragma unroll
            for (int j = 0; j < 2; j++) {
                float sum = acc[i][j] + acc[i][j + 2];
                for (int lane = 4; lane < WARP; lane *= 2) sum += __shfl_xor_sync(FULL_WARP, sum, lane);
                if (lane_index() / 4 == 0) mine[column_of<mode>(i, j)] = sum;
            }
        }
    }
}

__device__ __forceinline__ float sum_of_warps(const float* columns, int column) {
    return (columns[column] + columns[TILE + column]) + (columns[2 * TILE + column] + columns[3 * TILE + column]);
}

// ---- forward ---------------------------------------------------------------------------------------------------------------

// products[b, c, g, i, j] = C_i . B_j for j <= i, (64, 64) each. A block for each (batch, chunk, group).
template <int mode>
__device__ __forceinline__ void products(float* products, const float* xbc, Sizes s) {
    __shared__ __align__(16) float tiles[4 * DEPTH * PITCH];
    int block = static_cast<int>(blockIdx.x);
    int g = block % s.groups, c = block / s.groups % s.chunks(), b = block / s.groups / s.chunks();
    int count = s.count(c);
    const float* rows = xbc + (static_cast<size_t>(b) * s.length + c * CHUNK) * s.xbc();
    float acc[8][4];
    clear(acc);
    multiply<mode, true, true, ALL>(
        acc, tiles, s.d_state, count,
        [&](int i, int n) {
            return i < count && n < s.d_state ? rows[i * s.xbc() + s.c_offset(g) + n] : 0.0f;
        },
        [&](int j, int n) {
            return j < count && n < s.d_state ? rows[j * s.xbc() + s.b_offset(g) + n] : 0.0f;
        });
    float* to = products + static_cast<size_t>(block) * CHUNK * CHUNK;
    each_run<mode>(acc, [&](int i, int j, const float* v) {
        if (i < count) write_run<mode>(to + i * CHUNK + j, v, i + 1 - j);
    });
}

// states[b, c, h] = the state at the start of chunk c, only where it is not zero for certain: chunk 0 has none without `initial`.
// `last` (may be null, may be `initial`): the state at the end. A block for each (batch, head, 64 of P, 64 of N).
template <int mode>
__device__ __forceinline__ void states(float* states, float* last, const float* initial, const float* xbc, const float* step,
                                       const float2* sums, Sizes s) {
    __shared__ __align__(16) float tiles[4 * DEPTH * PITCH];
    __shared__ Chunk chunk;
    int block = static_cast<int>(blockIdx.x);
    int n0 = block % s.n_tiles() * TILE;
    int p0 = block / s.n_tiles() % s.p_tiles() * TILE;
    int head = block / s.n_tiles() / s.p_tiles(); // of all sequences
    int h = head % s.heads, b = head / s.heads;
    int p_count = min(TILE, s.head_dim - p0), n_count = min(TILE, s.d_state - n0);
    size_t at = static_cast<size_t>(p0) * s.d_state + n0; // of the tile in a state
    float acc[8][4];
    clear(acc);
    if (initial != nullptr) {
        const float* from = initial + head * s.state() + at;
        each_run<mode>(acc, [&](int p, int n, float* v) {
            if (p < p_count) read_run<mode>(v, from + p * s.d_state + n, n_count - n);
        });
    }
#pragma unroll 1
    for (int c = 0; c < s.chunks(); c++) {
        if (c > 0 || initial != nullptr) {
            float* to = states + ((static_cast<size_t>(b) * s.chunks() + c) * s.heads + h) * s.state() + at;
            each_run<mode>(acc, [&](int p, int n, const float* v) {
                if (p < p_count) write_run<mode>(to + p * s.d_state + n, v, n_count - n);
            });
        }
        if (c == s.chunks() - 1 && last == nullptr) break;
        int count = s.count(c);
        load_chunk(chunk, step, sums, static_cast<size_t>(head) * s.length + c * CHUNK, count);
        __syncthreads();
        float total = chunk.from_start[count - 1];
        const float* rows = xbc + (static_cast<size_t>(b) * s.length + c * CHUNK) * s.xbc();
        const float* x = rows + h * s.head_dim + p0;
        const float* b_rows = rows + s.b_offset(s.group_of(h)) + n0;
#pragma unroll
        for (int i = 0; i < 8; i++) {
#pragma unroll
            for (int j = 0; j < 4; j++) acc[i][j] *= total;
        }
        multiply<mode, false, false, ALL>(
            acc, tiles, count, p_count,
            [&](int p, int t) {
                return p < p_count && t < count ? x[t * s.xbc() + p] * (chunk.step[t] * chunk.to_end[t])
                                                : 0.0f;
            },
            [&](int n, int t) { return n < n_count && t < count ? b_rows[t * s.xbc() + n] : 0.0f; });
    }
    if (last != nullptr) {
        float* to = last + head * s.state() + at;
        each_run<mode>(acc, [&](int p, int n, const float* v) {
            if (p < p_count) write_run<mode>(to + p * s.d_state + n, v, n_count - n);
        });
    }
}

// y from the states at the starts of chunks. A block for each (batch, chunk, head, 64 of P).
template <int mode>
__device__ __forceinline__ void output(float* y, const float* xbc, const float* d, const float* step, const float2* sums,
                                       const float* products, const float* states, int has_initial, int per_channel_d, Sizes s) {
    __shared__ __align__(16) float tiles[4 * DEPTH * PITCH];
    __shared__ Chunk chunk;
    int block = static_cast<int>(blockIdx.x);
    int p0 = block % s.p_tiles() * TILE;
    int h = block / s.p_tiles() % s.heads;
    int at = block / s.p_tiles() / s.heads; // batch and chunk
    int c = at % s.chunks(), b = at / s.chunks();
    int g = s.group_of(h);
    int count = s.count(c);
    int p_count = min(TILE, s.head_dim - p0);
    size_t row0 = static_cast<size_t>(b) * s.length + c * CHUNK;
    const float* rows = xbc + row0 * s.xbc();
    load_chunk(chunk, step, sums, (static_cast<size_t>(b) * s.heads + h) * s.length + c * CHUNK, count);
    __syncthreads();
    float acc[8][4];
    clear(acc);
    if (c > 0 || has_initial) {
        const float* state = states + (static_cast<size_t>(at) * s.heads + h) * s.state() + static_cast<size_t>(p0) * s.d_state;
        const float* c_rows = rows + s.c_offset(g);
        multiply<mode, true, true, ALL>(
            acc, tiles, s.d_state, count,
            [&](int i, int n) {
                return i < count && n < s.d_state ? c_rows[i * s.xbc() + n] * chunk.from_start[i] : 0.0f;
            },
            [&](int p, int n) {
                return p < p_count && n < s.d_state ? state[p * s.d_state + n] : 0.0f;
            });
    }
    const float* map = products + (static_cast<size_t>(at) * s.groups + g) * CHUNK * CHUNK;
    const float* x = rows + h * s.head_dim + p0;
    multiply<mode, true, false, LOWER>(
        acc, tiles, count, count,
        [&](int i, int j) {
            return j <= i && i < count ? map[i * CHUNK + j] * (decay(chunk.sum[i], chunk.sum[j]) * chunk.step[j]) : 0.0f;
        },
        [&](int p, int j) { return p < p_count && j < count ? x[j * s.xbc() + p] : 0.0f; });
    float* to = y + row0 * s.inner() + h * s.head_dim + p0;
    each_run<mode>(acc, [&](int i, int p, float* v) {
        if (i < count && p < p_count) {
            if (d != nullptr) {
                float xs[RUN<mode>];
                read_run<mode>(xs, x + i * s.xbc() + p, p_count - p);
#pragma unroll
                for (int j = 0; j < RUN<mode>; j++) {
                    if (p + j < p_count) v[j] += skip_of(d, s, per_channel_d, h, p0 + p + j) * xs[j];
                }
            }
            write_run<mode>(to + i * s.inner() + p, v, p_count - p);
        }
    });
}

// ---- backward --------------------------------------------------------------------------------------------------------------

// gradients[b, c, h] = gradient of the state at the end of chunk c, only where it is not zero for certain: the last chunk has none
// without `d_last`. overlap[tile, b, c, h] = exp(c_end) times its inner product with the state at the chunk's start.
// `d_initial`, may be null: the gradient of the state before all. A block for each (batch, head, 64 of P, 64 of N).
template <int mode>
__device__ __forceinline__ void state_gradients(float* gradients, float* overlap, float* d_initial, const float* d_last,
                                                const float* dy, const float* xbc, const float* step, const float2* sums,
                                                const float* states, int has_initial, int batch, Sizes s) {
    __shared__ __align__(16) float tiles[4 * DEPTH * PITCH];
    __shared__ Chunk chunk;
    __shared__ float scratch[THREADS / WARP];
    int block = static_cast<int>(blockIdx.x);
    int n0 = block % s.n_tiles() * TILE;
    int p0 = block / s.n_tiles() % s.p_tiles() * TILE;
    int tile = block % (s.n_tiles() * s.p_tiles());
    int head = block / s.n_tiles() / s.p_tiles();
    int h = head % s.heads, b = head / s.heads;
    int p_count = min(TILE, s.head_dim - p0), n_count = min(TILE, s.d_state - n0);
    size_t at = static_cast<size_t>(p0) * s.d_state + n0;
    float acc[8][4];
    clear(acc);
    if (d_last != nullptr) {
        const float* from = d_last + head * s.state() + at;
        each_run<mode>(acc, [&](int p, int n, float* v) {
            if (p < p_count) read_run<mode>(v, from + p * s.d_state + n, n_count - n);
        });
    }
#pragma unroll 1
    for (int c = s.chunks() - 1; c >= 0; c--) {
        int count = s.count(c);
        load_chunk(chunk, step, sums, static_cast<size_t>(head) * s.length + c * CHUNK, count);
        __syncthreads();
        float total = chunk.from_start[count - 1];
        bool has_gradient = c < s.chunks() - 1 || d_last != nullptr;
        bool has_state = c > 0 || has_initial;
        size_t of_chunk = (static_cast<size_t>(b) * s.chunks() + c) * s.heads + h;
        float inner = 0.0f;
        if (has_gradient) {
            float* to = gradients + of_chunk * s.state() + at;
            const float* state = states + of_chunk * s.state() + at;
            each_run<mode>(acc, [&](int p, int n, const float* v) {
                if (p < p_count) {
                    write_run<mode>(to + p * s.d_state + n, v, n_count - n);
                    if (has_state) {
                        float u[RUN<mode>];
                        read_run<mode>(u, state + p * s.d_state + n, n_count - n);
#pragma unroll
                        for (int j = 0; j < RUN<mode>; j++) inner = fmaf(u[j], v[j], inner);
                    }
                }
            });
        }
        inner = block_sum(inner, scratch);
        if (threadIdx.x == 0) {
            overlap[static_cast<size_t>(tile) * batch * s.chunks() * s.heads + of_chunk] = total * inner;
        }
        if (c == 0 && d_initial == nullptr) break;
        size_t row0 = static_cast<size_t>(b) * s.length + c * CHUNK;
        const float* dy_rows = dy + row0 * s.inner() + h * s.head_dim + p0;
        const float* c_rows = xbc + row0 * s.xbc() + s.c_offset(s.group_of(h)) + n0;
#pragma unroll
        for (int i = 0; i < 8; i++) {
#pragma unroll
            for (int j = 0; j < 4; j++) acc[i][j] *= total;
        }
        multiply<mode, false, false, ALL>(
            acc, tiles, count, p_count,
            [&](int p, int t) {
                return p < p_count && t < count ? dy_rows[t * s.inner() + p] * chunk.from_start[t] : 0.0f;
            },
            [&](int n, int t) { return n < n_count && t < count ? c_rows[t * s.xbc() + n] : 0.0f; });
    }
    if (d_initial != nullptr) {
        float* to = d_initial + head * s.state() + at;
        each_run<mode>(acc, [&](int p, int n, const float* v) {
            if (p < p_count) write_run<mode>(to + p * s.d_state + n, v, n_count - n);
        });
    }
}

// map[slice, b, c, g, i, j] = G_ij, j <= i, of the heads of a slice, (64, 64) each. within[b, h, t]: the sum of all terms of the
// chunk's own inputs whose decay spans t, those of outputs i >= t and inputs j < t. A block for each (batch, chunk, group, slice).
template <int mode>
__device__ __forceinline__ void map_gradient(float* map, float* within, const float* dy, const float* xbc, const float* step,
                                             const float2* sums, const float* products, int slices, int batch, Sizes s) {
    __shared__ __align__(16) float tiles[4 * DEPTH * PITCH];
    __shared__ Chunk chunk;
    __shared__ float columns[THREADS / WARP * TILE];
    int block = static_cast<int>(blockIdx.x);
    int slice = block % slices;
    int of_group = block / slices; // batch, chunk and group
    int g = of_group % s.groups, c = of_group / s.groups % s.chunks(), b = of_group / s.groups / s.chunks();
    int count = s.count(c);
    int heads = s.heads / s.groups;
    size_t row0 = static_cast<size_t>(b) * s.length + c * CHUNK;
    const float* product = products + static_cast<size_t>(of_group) * CHUNK * CHUNK;
    float total[8][4];
    clear(total);
#pragma unroll 1
    for (int h = g * heads + heads * slice / slices; h < g * heads + heads * (slice + 1) / slices; h++) {
        size_t at = (static_cast<size_t>(b) * s.heads + h) * s.length + c * CHUNK;
        load_chunk(chunk, step, sums, at, count);
        __syncthreads();
        const float* dy_rows = dy + row0 * s.inner() + h * s.head_dim;
        const float* x = xbc + row0 * s.xbc() + h * s.head_dim;
        float acc[8][4];
        clear(acc);
        multiply<mode, true, true, ALL>(
            acc, tiles, s.head_dim, count,
            [&](int i, int p) { return i < count && p < s.head_dim ? dy_rows[i * s.inner() + p] : 0.0f; },
            [&](int j, int p) { return j < count && p < s.head_dim ? x[j * s.xbc() + p] : 0.0f; });
#pragma unroll
        for (int k = 0; k < 8; k++) {
#pragma unroll
            for (int l = 0; l < 4; l++) {
                int i = row_of<mode>(k, l), j = column_of<mode>(k, l);
                float v = 0.0f;
                if (j <= i && i < count) {
                    float weighted = acc[k][l] * (decay(chunk.sum[i], chunk.sum[j]) * chunk.step[j]);
                    total[k][l] += weighted;
                    if (j < i) v = weighted * product[i * CHUNK + j];
                }
                acc[k][l] = v;
            }
        }
        prefix_sums<mode>(acc);
#pragma unroll
        for (int k = 0; k < 8; k++) {
#pragma unroll
            for (int l = 0; l < 4; l++) {
                if (column_of<mode>(k, l) > row_of<mode>(k, l)) acc[k][l] = 0.0f;
            }
        }
        column_sums<mode>(columns, acc);
        __syncthreads();
        int t = static_cast<int>(threadIdx.x);
        if (t < count) within[at + t] = sum_of_warps(columns, t);
    }
    float* to = map + (static_cast<size_t>(slice) * batch * s.chunks() * s.groups + of_group) * CHUNK * CHUNK;
    each_run<mode>(total, [&](int i, int j, const float* v) {
        if (i < count) write_run<mode>(to + i * CHUNK + j, v, i + 1 - j);
    });
}

// dx, and direct[tile, b, h, t] = dInput_t . x_t, skips[b, c, h, p] = sum over the chunk of dy x. A block for each (batch, chunk, head,
// 64 of P).
template <int mode>
__device__ __forceinline__ void input_gradient(float* dxbc, float* direct, float* skips, const float* dy, const float* xbc,
                                               const float* d, const float* step, const float2* sums, const float* products,
                                               const float* gradients, int has_d_last, int per_channel_d, int batch, Sizes s) {
    __shared__ __align__(16) float tiles[4 * DEPTH * PITCH];
    __shared__ Chunk chunk;
    __shared__ float rows[TILE];
    __shared__ float columns[THREADS / WARP * TILE];
    int block = static_cast<int>(blockIdx.x);
    int tile = block % s.p_tiles();
    int p0 = tile * TILE;
    int h = block / s.p_tiles() % s.heads;
    int of_chunk = block / s.p_tiles() / s.heads; // batch and chunk
    int c = of_chunk % s.chunks(), b = of_chunk / s.chunks();
    int g = s.group_of(h);
    int count = s.count(c);
    int p_count = min(TILE, s.head_dim - p0);
    size_t row0 = static_cast<size_t>(b) * s.length + c * CHUNK;
    size_t at = (static_cast<size_t>(b) * s.heads + h) * s.length + c * CHUNK;
    load_chunk(chunk, step, sums, at, count);
    __syncthreads();
    float acc[8][4];
    clear(acc);
    if (c < s.chunks() - 1 || has_d_last) {
        const float* gradient =
            gradients + (static_cast<size_t>(of_chunk) * s.heads + h) * s.state() + static_cast<size_t>(p0) * s.d_state;
        const float* b_rows = xbc + row0 * s.xbc() + s.b_offset(g);
        multiply<mode, true, true, ALL>(
            acc, tiles, s.d_state, count,
            [&](int j, int n) {
                return j < count && n < s.d_state ? b_rows[j * s.xbc() + n] * chunk.to_end[j] : 0.0f;
            },
            [&](int p, int n) {
                return p < p_count && n < s.d_state ? gradient[p * s.d_state + n] : 0.0f;
            });
    }
    const float* product = products + (static_cast<size_t>(of_chunk) * s.groups + g) * CHUNK * CHUNK;
    const float* dy_rows = dy + row0 * s.inner() + h * s.head_dim + p0;
    multiply<mode, false, false, UPPER>(
        acc, tiles, count, count,
        [&](int j, int i) {
            return j <= i && i < count ? product[i * CHUNK + j] * decay(chunk.sum[i], chunk.sum[j]) : 0.0f;
        },
        [&](int p, int i) { return p < p_count && i < count ? dy_rows[i * s.inner() + p] : 0.0f; });
    const float* x = xbc + row0 * s.xbc() + h * s.head_dim + p0;
    float* dx = dxbc + row0 * s.xbc() + h * s.head_dim + p0;
    float skip[8][4];
    clear(skip);
#pragma unroll
    for (int i = 0; i < 8; i++) {
#pragma unroll
        for (int l = 0; l < 4; l += RUN<mode>) {
            int t = row_of<mode>(i, l), p = column_of<mode>(i, l);
            bool valid = t < count;
            float xs[RUN<mode>], dys[RUN<mode>], to[RUN<mode>];
            read_run<mode>(xs, x + t * s.xbc() + p, valid ? p_count - p : 0);
            read_run<mode>(dys, dy_rows + t * s.inner() + p, valid ? p_count - p : 0);
#pragma unroll
            for (int j = 0; j < RUN<mode>; j++) {
                float of_skip = valid && p + j < p_count ? skip_of(d, s, per_channel_d, h, p0 + p + j) : 0.0f;
                to[j] = acc[i][l + j] * chunk.step[t] + of_skip * dys[j];
                acc[i][l + j] *= xs[j];
                skip[i][l + j] = xs[j] * dys[j];
            }
            if (valid) write_run<mode>(dx + t * s.xbc() + p, to, p_count - p);
        }
    }
    row_sums<mode>(rows, acc);
    column_sums<mode>(columns, skip);
    __syncthreads();
    int i = static_cast<int>(threadIdx.x);
    if (i < count) direct[static_cast<size_t>(tile) * batch * s.heads * s.length + at + i] = rows[i];
    if (i < p_count) {
        skips[static_cast<size_t>(of_chunk) * s.inner() + h * s.head_dim + p0 + i] = sum_of_warps(columns, i);
    }
}

// dC (side 0) and dB (side 1). terms[side, tile, b, h, t]: the sum of the terms through the state at the chunk's start that end at t,
// or through the one at its end that start at t. A block for each (batch, chunk, group, 64 of N, side).
template <int mode>
__device__ __forceinline__ void bc_gradient(float* dxbc, float* terms, const float* dy, const float* xbc, const float* step,
                                            const float2* sums, const float* states, const float* gradients, const float* map,
                                            int has_initial, int has_d_last, int slices, int batch, Sizes s) {
    __shared__ __align__(16) float tiles[4 * DEPTH * PITCH];
    __shared__ Chunk chunk;
    __shared__ float rows[TILE];
    int block = static_cast<int>(blockIdx.x);
    int side = block % 2;
    int tile = block / 2 % s.n_tiles();
    int of_group = block / 2 / s.n_tiles(); // batch, chunk and group
    int g = of_group % s.groups, c = of_group / s.groups % s.chunks(), b = of_group / s.groups / s.chunks();
    int count = s.count(c);
    int n0 = tile * TILE;
    int n_count = min(TILE, s.d_state - n0);
    int heads = s.heads / s.groups;
    size_t row0 = static_cast<size_t>(b) * s.length + c * CHUNK;
    const float* b_rows = xbc + row0 * s.xbc() + s.b_offset(g) + n0;
    const float* c_rows = xbc + row0 * s.xbc() + s.c_offset(g) + n0;
    const float* own_rows = side == 0 ? c_rows : b_rows;
    const float* source = side == 0 ? dy + row0 * s.inner() : xbc + row0 * s.xbc();
    int source_pitch = side == 0 ? s.inner() : s.xbc();
    bool has_state = side == 0 ? c > 0 || has_initial : c < s.chunks() - 1 || has_d_last;
    float* terms_of_tile = terms + static_cast<size_t>(side * s.n_tiles() + tile) * batch * s.heads * s.length;
    float total[8][4];
    clear(total);
#pragma unroll 1
    for (int h = g * heads; h < (g + 1) * heads; h++) {
        size_t at = (static_cast<size_t>(b) * s.heads + h) * s.length + c * CHUNK;
        int t = static_cast<int>(threadIdx.x);
        if (!has_state) {
            if (t < count) terms_of_tile[at + t] = 0.0f;
            continue;
        }
        load_chunk(chunk, step, sums, at, count);
        __syncthreads();
        const float* state = (side == 0 ? states : gradients) +
                             ((static_cast<size_t>(b) * s.chunks() + c) * s.heads + h) * s.state() + n0;
        const float* from = source + h * s.head_dim;
        float acc[8][4];
        clear(acc);
        multiply<mode, true, false, ALL>(
            acc, tiles, s.head_dim, count,
            [&](int i, int p) {
                float weight = side == 0 ? chunk.from_start[i] : chunk.step[i] * chunk.to_end[i];
                return i < count && p < s.head_dim ? from[i * source_pitch + p] * weight : 0.0f;
            },
            [&](int n, int p) {
                return n < n_count && p < s.head_dim ? state[p * s.d_state + n] : 0.0f;
            });
#pragma unroll
        for (int k = 0; k < 8; k++) {
#pragma unroll
            for (int l = 0; l < 4; l++) total[k][l] += acc[k][l];
        }
        each_run<mode>(acc, [&](int i, int n, float* v) {
            float own[RUN<mode>];
            read_run<mode>(own, own_rows + i * s.xbc() + n, i < count ? n_count - n : 0);
#pragma unroll
            for (int j = 0; j < RUN<mode>; j++) v[j] *= own[j];
        });
        row_sums<mode>(rows, acc);
        __syncthreads();
        if (t < count) terms_of_tile[at + t] = rows[t];
    }
    const float* maps = map + static_cast<size_t>(of_group) * CHUNK * CHUNK;
    size_t slice_size = static_cast<size_t>(batch) * s.chunks() * s.groups * CHUNK * CHUNK;
    auto of_map = [&](int i, int j) {
        float sum = 0.0f;
        for (int slice = 0; slice < slices; slice++) sum += maps[slice * slice_size + i * CHUNK + j];
        return sum;
    };
    if (side == 0) {
        multiply<mode, true, false, LOWER>(
            total, tiles, count, count, [&](int i, int j) { return j <= i && i < count ? of_map(i, j) : 0.0f; },
            [&](int n, int j) { return n < n_count && j < count ? b_rows[j * s.xbc() + n] : 0.0f; });
    } else {
        multiply<mode, false, false, UPPER>(
            total, tiles, count, count, [&](int j, int i) { return j <= i && i < count ? of_map(i, j) : 0.0f; },
            [&](int n, int i) { return n < n_count && i < count ? c_rows[i * s.xbc() + n] : 0.0f; });
    }
    float* to = dxbc + row0 * s.xbc() + (side == 0 ? s.c_offset(g) : s.b_offset(g)) + n0;
    each_run<mode>(total, [&](int i, int n, const float* v) {
        if (i < count) write_run<mode>(to + i * s.xbc() + n, v, n_count - n);
    });
}
