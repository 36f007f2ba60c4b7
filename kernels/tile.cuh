// One tile of a matrix product, computed by a block: the core of gemm.cuh, linear.cuh and conv.cu.
//
//   C(i, j) = sum over k of A(i, k) B(j, k),   i < m, j < n
//
// Both operands are seen as matrices with rows i or j and columns k, whatever lies in memory: who calls says with two loaders how
// four values are read, and with a store functor where results go, so a convolution gathers its patches here and a linear layer
// widens its weights. Values come as f32, and take the precision of the product on their way into shared memory.
//
// Precisions
//   F32     fused multiply-adds of the ordinary cores. The order of additions is fixed by k alone: four sums, of the k with
//           k / 4 % 4 = 0, 1, 2, 3, each in ascending order; then (s0 + s1) + (s2 + s3). So bits depend on nothing else: not on m, n,
//           the tile, or where in it an element lies. (Four sums, because a kernel for few rows then has four lanes on an
//           element, each reading 16 bytes; see linear.cuh.)
//   BF16X3  x = high + low, two bf16 numbers, and high high + high low + low high on tensor cores. What is left of x behind low is
//           at most 2^-16 |x|, as is the product that is left out. An infinite operand gives NaN.
//   BF16X2  the same for A; B holds values that bf16 holds exactly.
//   TF32    operands rounded to tf32.  BF16  operands rounded to bf16.
//   In all of them sums are f32; the order depends on k only.
//
// Geometry (TileShape): a block has ROWS x COLS of C and goes through k in steps of DEPTH. F32: 64 x 64, 256 threads: a
// quarter of them for each of the four sums, 8 x 8 elements a thread, so 4 loads of 16 bytes from shared memory feed 64
// multiply-adds. Tensor cores: EDGE 128: 8 warps, each 64 x 32 of C; EDGE 64, for small products: 4 warps, each 32 x 32. A depth of 16
// keeps what is on its way in few registers, so that all shapes have two blocks on a multiprocessor (launch bounds (THREADS, 2),
// EDGE 64: (THREADS, 4)): one waits for memory while the other computes. Shared memory: two stages, at most 34 KB.
// While a stage is computed, the values of the next one are on their way from global memory to registers; then they are stored in
// the other stage: one barrier for each step.
//
// Shared memory without bank conflicts:
//   16-bit, four values along k:     [row][k], 16-byte pieces permuted by the row; ldmatrix.
//   16-bit, four values along rows:  [k][row], pieces permuted by k; ldmatrix with transposition.
//   TF32:                            [row][k] likewise (ldmatrix moves 4-byte pairs of halves), or [k][row + 8] and plain loads.
//   F32:                             [k][row], groups of eight rows permuted by k / 4: what eight rows bring, four values along
//                                    k each, goes to different banks.
//
// A loader:
//
//   struct Loader {
//       static constexpr bool ALONG_K; // four values of a call: along k (true), or of four rows
//       struct Cursor { ... };         // what can be said of a row once for all k
//       Cursor at(int row) const;                            // row may be outside; a multiple of 4 unless ALONG_K
//       void load4(float (&v)[4], const Cursor& c, int k) const;
//   };
//
// load4 gives (row, k .. k + 3), k a multiple of 4; or (row .. row + 3, k). Of what is outside in k it gives zeros; of rows
// outside anything, but reads nothing there. Choose ALONG_K by which of them are neighbours in memory.
//
// What a loader computes with the values that it has read waits for memory before the present stage is computed. One that computes
// has, instead of load4, a type of what is read and two functions, of which the second runs after that stage:
//
//       struct Raw { ... };
//       Raw load(const Cursor& c, int k) const;
//       void widen(float (&v)[4], const Raw& raw) const;
//
// A store functor, called once for each pair of columns in C; `second` says whether column col + 1 exists (col is even):
//
//   struct Store { void operator()(int row, int col, float v0, float v1, bool second) const; };
//
// Example, y = x w^T with a bias on row-major matrices, as __global__ functions do it:
//
//   using Shape = TileShape<Precision::BF16X3, 128>;
//   extern "C" __global__ void __launch_bounds__(Shape::THREADS, 2) f(float* y, const float* x, const float* w, const float* b, ...) {
//       MatrixAlongK rows{x, m, k, k % 4 == 0}, weights{w, n, k, k % 4 == 0};
//       auto store = [=](int i, int j, float v0, float v1, bool second) {
//           y[i * n + j] = v0 + b[j];
//           if (second) y[i * n + j + 1] = v1 + b[j + 1];
//       };
//       tile_product<Shape>(rows, weights, store, blockIdx.y * Shape::ROWS, blockIdx.x * Shape::COLS, m, n, 0, k);
//   }
#pragma once

#include "common.cuh"

enum class Precision { F32, BF16X3, BF16X2, TF32, BF16 };

// EDGE: 128 or 64; 64 for F32.
template <Precision PRECISION_, int EDGE>
struct TileShape {
    static constexpr Precision PRECISION = PRECISION_;
    static constexpr int ROWS = EDGE;
    static constexpr int COLS = EDGE;
    static constexpr int DEPTH = 16;
    static constexpr int THREADS = PRECISION == Precision::F32 || EDGE == 128 ? 256 : 128;
    static_assert(EDGE == 64 || (EDGE == 128 && PRECISION != Precision::F32));
};

// ---- loaders of plain matrices, and a store -----------------------------------------------------------------------------------

__device__ __forceinline__ void set4(float (&v)[4], float4 f) {
    v[0] = f.x;
    v[1] = f.y;
    v[2] = f.z;
    v[3] = f.w;
}

// Stored (rows, k). `vector`: k % 4 == 0.
struct MatrixAlongK {
    static constexpr bool ALONG_K = true;
    const float* p;
    int rows, k;
    bool vector;

    struct Cursor {
        int start; // of the row; negative outside
    };

    __device__ __forceinline__ Cursor at(int row) const { return {row < rows ? row * k : -1}; }

    __device__ __forceinline__ void load4(float (&v)[4], const Cursor& c, int at) const {
        set4(v, make_float4(0.0f, 0.0f, 0.0f, 0.0f));
        if (c.start < 0 || at >= k) return;
        const float* from = p + c.start + at;
        if (vector) {
            set4(v, *reinterpret_cast<const float4*>(from));
        } else {
#pragma unroll
            for (int e = 0; e < 4; e++) {
                if (at + e < k) v[e] = from[e];
            }
        }
    }
};

// Stored (k, rows). `vector`: rows % 4 == 0.
struct MatrixAlongRows {
    static constexpr bool ALONG_K = false;
    const float* p;
    int rows, k;
    bool vector;

    struct Cursor {
        int row;
    };

    __device__ __forceinline__ Cursor at(int row) const { return {row}; }

    __device__ __forceinline__ void load4(float (&v)[4], const Cursor& c, int at) const {
        set4(v, make_float4(0.0f, 0.0f, 0.0f, 0.0f));
        if (c.row >= rows || at >= k) return;
        const float* from = p + at * rows + c.row;
        if (vector) {
            set4(v, *reinterpret_cast<const float4*>(from));
        } else {
#pragma unroll
            for (int e = 0; e < 4; e++) {
                if (c.row + e < rows) v[e] = from[e];
            }
        }
    }
};

// C stored (m, n), overwritten or added to.
struct MatrixStore {
    float* p;
    int n;
    bool accumulate;

    __device__ __forceinline__ void operator()(int row, int col, float v0, float v1, bool second) const {
        float* at = p + static_cast<size_t>(row) * n + col;
        if (second && n % 2 == 0) {
            float2* pair = reinterpret_cast<float2*>(at);
            float2 old = accumulate ? *pair : make_float2(0.0f, 0.0f);
            *pair = accumulate ? make_float2(old.x + v0, old.y + v1) : make_float2(v0, v1);
        } else {
            at[0] = accumulate ? at[0] + v0 : v0;
            if (second) at[1] = accumulate ? at[1] + v1 : v1;
        }
    }
};

namespace tile {

// ---- what a thread brings of one operand ---------------------------------------------------------------------------------------

struct Four {
    float v[4];
};

template <class Loader>
struct Read {
    using Raw = Four;
    static __device__ __forceinline__ void load(const Loader& loader, Raw& raw, const typename Loader::Cursor& c, int k) {
        loader.load4(raw.v, c, k);
    }
    static __device__ __forceinline__ void widen(const Loader&, float (&v)[4], const Raw& raw) {
#pragma unroll
        for (int e = 0; e < 4; e++) v[e] = raw.v[e];
    }
};

template <class Loader>
    requires requires { typename Loader::Raw; }
struct Read<Loader> {
    using Raw = typename Loader::Raw;
    static __device__ __forceinline__ void load(const Loader& loader, Raw& raw, const typename Loader::Cursor& c, int k) {
        raw = loader.load(c, k);
    }
    static __device__ __forceinline__ void widen(const Loader& loader, float (&v)[4], const Raw& raw) { loader.widen(v, raw); }
};

template <int ROWS, int DEPTH, int THREADS, class Loader>
struct Staging {
    static constexpr bool ALONG_K = Loader::ALONG_K;
    static constexpr int ITEMS = ROWS * DEPTH / 4 / THREADS;
    static constexpr int ACROSS = (ALONG_K ? DEPTH : ROWS) / 4; // threads on what is contiguous
    static constexpr int STEP = THREADS / ACROSS;               // rows or k between a thread's items
    static_assert(ITEMS * 4 * THREADS == ROWS * DEPTH && STEP * ACROSS == THREADS);

    typename Loader::Cursor cursors[ALONG_K ? ITEMS : 1];
    typename Read<Loader>::Raw raw[ITEMS];

    // Place of item j in the tile.
    static __device__ __forceinline__ int row(int j) {
        int t = static_cast<int>(threadIdx.x);
        return ALONG_K ? t / ACROSS + j * STEP : t % ACROSS * 4;
    }

    static __device__ __forceinline__ int k(int j) {
        int t = static_cast<int>(threadIdx.x);
        return ALONG_K ? t % ACROSS * 4 : t / ACROSS + j * STEP;
    }

    __device__ __forceinline__ void start(const Loader& loader, int row0) {
#pragma unroll
        for (int j = 0; j < (ALONG_K ? ITEMS : 1); j++) cursors[j] = loader.at(row0 + row(j));
    }

    __device__ __forceinline__ void fetch(const Loader& loader, int k0) {
#pragma unroll
        for (int j = 0; j < ITEMS; j++) Read<Loader>::load(loader, raw[j], cursors[ALONG_K ? j : 0], k0 + k(j));
    }

    __device__ __forceinline__ void widen(const Loader& loader, float (&v)[4], int j) const {
        Read<Loader>::widen(loader, v, raw[j]);
    }
};

// ---- operands in shared memory -------------------------------------------------------------------------------------------------

// bf16; with SPLIT a second number for each, part 1.
template <int ROWS, int DEPTH, bool ALONG_K, bool SPLIT>
struct HalfOperand {
    static constexpr int PARTS = SPLIT ? 2 : 1;
    static constexpr int BYTES = ROWS * DEPTH * 2 * PARTS;
    static constexpr int PIECES = DEPTH / 8 * PARTS; // of 16 bytes in a row

    static __device__ __forceinline__ int place(int row, int k, int part) {
        if constexpr (ALONG_K) {
            int piece = (k / 8 * PARTS + part) ^ (row / (8 / PIECES) % PIECES);
            return (row * PIECES + piece) * 16 + k % 8 * 2;
        } else {
            int line = part * DEPTH + k;
            return (line * (ROWS / 8) + (row / 8 ^ k % 8)) * 16 + row % 8 * 2;
        }
    }

    static __device__ __forceinline__ void store(unsigned char* base, int row, int k, const float (&v)[4]) {
        uint2 high = make_uint2(pack_bf16(v[0], v[1]), pack_bf16(v[2], v[3]));
        *reinterpret_cast<uint2*>(base + place(row, k, 0)) = high;
        if constexpr (SPLIT) {
            uint2 low = make_uint2(pack_bf16(v[0] - __uint_as_float(high.x << 16), v[1] - __uint_as_float(high.x & 0xffff0000u)),
                                   pack_bf16(v[2] - __uint_as_float(high.y << 16), v[3] - __uint_as_float(high.y & 0xffff0000u)));
            *reinterpret_cast<uint2*>(base + place(row, k, 1)) = low;
        }
    }

    // 16 rows, 16 k: the fragment of A; registers 0 and 2 are that of B for the first 8 rows, 1 and 3 for the others.
    static __device__ __forceinline__ void fragment(unsigned (&r)[4], const unsigned char* base, int row, int step, int part) {
        int lane = static_cast<int>(threadIdx.x) % WARP;
        if constexpr (ALONG_K) {
            ldmatrix_x4(r, base + place(row + lane % 16, step * 16 + lane / 16 * 8, part));
        } else {
            ldmatrix_x4_transposed(r, base + place(row + lane / 8 % 2 * 8, step * 16 + lane / 16 * 8 + lane % 8, part));
        }
    }
};

template <int ROWS, int DEPTH, bool ALONG_K>
struct Tf32Operand {
    static constexpr int PIECES = DEPTH / 4;
    static constexpr int LINE = ROWS + 8;
    static constexpr int BYTES = ALONG_K ? ROWS * DEPTH * 4 : LINE * DEPTH * 4;
    static_assert(PIECES == 4);

    static __device__ __forceinline__ int place(int row, int k) {
        if constexpr (ALONG_K) {
            return (row * PIECES + (k / 4 ^ row / 2 % 4)) * 16 + k % 4 * 4;
        } else {
            return (k * LINE + row) * 4;
        }
    }

    static __device__ __forceinline__ void store(unsigned char* base, int row, int k, const float (&v)[4]) {
        *reinterpret_cast<uint4*>(base + place(row, k)) =
                make_uint4(float_to_tf32(v[0]), float_to_tf32(v[1]), float_to_tf32(v[2]), float_to_tf32(v[3]));
    }

    // As above with 8 k.
    static __device__ __forceinline__ void fragment(unsigned (&r)[4], const unsigned char* base, int row, int step, int) {
        int lane = static_cast<int>(threadIdx.x) % WARP;
        if constexpr (ALONG_K) {
            ldmatrix_x4(r, base + place(row + lane % 16, step * 8 + lane / 16 * 4));
        } else {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                int at = place(row + i % 2 * 8 + lane / 4, step * 8 + i / 2 * 4 + lane % 4);
                r[i] = *reinterpret_cast<const unsigned*>(base + at);
            }
        }
    }
};

template <Precision P, int ROWS, int DEPTH, bool ALONG_K, bool SPLIT>
using Operand = std::conditional_t<P == Precision::TF32, Tf32Operand<ROWS, DEPTH, ALONG_K>,
                                   HalfOperand<ROWS, DEPTH, ALONG_K, SPLIT>>;

template <class Op, class Staged, class Loader>
__device__ __forceinline__ void put(const Staged& staged, const Loader& loader, unsigned char* base) {
#pragma unroll
    for (int j = 0; j < Staged::ITEMS; j++) {
        float v[4];
        staged.widen(loader, v, j);
        Op::store(base, Staged::row(j), Staged::k(j), v);
    }
}

// ---- on tensor cores -------------------------------------------------------------------------------------------------------------

template <class Shape, class A, class B, class Store>
__device__ __forceinline__ void tensor_product(const A& a, const B& b, const Store& store, int row0, int col0, int m, int n,
                                               int k_begin, int k_end) {
    constexpr Precision P = Shape::PRECISION;
    constexpr bool SPLIT_A = P == Precision::BF16X3 || P == Precision::BF16X2;
    constexpr bool SPLIT_B = P == Precision::BF16X3;
    constexpr int DEPTH = Shape::DEPTH;
    constexpr int STEPS = DEPTH / (P == Precision::TF32 ? 8 : 16);
    constexpr int WARP_COLS = 32;
    constexpr int WARPS_ACROSS = Shape::COLS / WARP_COLS;
    constexpr int WARP_ROWS = Shape::ROWS / (Shape::THREADS / WARP / WARPS_ACROSS);
    constexpr int DOWN = WARP_ROWS / 16;
    constexpr int ACROSS = WARP_COLS / 16;
    using OperandA = Operand<P, Shape::ROWS, DEPTH, A::ALONG_K, SPLIT_A>;
    using OperandB = Operand<P, Shape::COLS, DEPTH, B::ALONG_K, SPLIT_B>;
    using StagingA = Staging<Shape::ROWS, DEPTH, Shape::THREADS, A>;
    using StagingB = Staging<Shape::COLS, DEPTH, Shape::THREADS, B>;
    __shared__ __align__(16) unsigned char stages[2][OperandA::BYTES + OperandB::BYTES];

    int warp = static_cast<int>(threadIdx.x) / WARP;
    int lane = static_cast<int>(threadIdx.x) % WARP;
    int row = warp / WARPS_ACROSS * WARP_ROWS;
    int col = warp % WARPS_ACROSS * WARP_COLS;
    float d[DOWN][2 * ACROSS][4];
#pragma unroll
    for (int i = 0; i < DOWN; i++) {
#pragma unroll
        for (int j = 0; j < 2 * ACROSS; j++) {
#pragma unroll
            for (int e = 0; e < 4; e++) d[i][j][e] = 0.0f;
        }
    }
    StagingA staged_a;
    StagingB staged_b;
    staged_a.start(a, row0);
    staged_b.start(b, col0);
    if (k_begin < k_end) {
        staged_a.fetch(a, k_begin);
        staged_b.fetch(b, k_begin);
        put<OperandA>(staged_a, a, stages[0]);
        put<OperandB>(staged_b, b, stages[0] + OperandA::BYTES);
    }
    __syncthreads();
    int stage = 0;
    for (int k0 = k_begin; k0 < k_end; k0 += DEPTH) {
        bool more = k0 + DEPTH < k_end;
        if (more) {
            staged_a.fetch(a, k0 + DEPTH);
            staged_b.fetch(b, k0 + DEPTH);
        }
        const unsigned char* as = stages[stage];
        const unsigned char* bs = stages[stage] + OperandA::BYTES;
#pragma unroll
        for (int step = 0; step < STEPS; step++) {
            // All of B, then A piece by piece: fewer registers than the other way round.
            unsigned fb[SPLIT_B ? 2 : 1][ACROSS][4];
#pragma unroll
            for (int part = 0; part < (SPLIT_B ? 2 : 1); part++) {
#pragma unroll
                for (int j = 0; j < ACROSS; j++) OperandB::fragment(fb[part][j], bs, col + 16 * j, step, part);
            }
#pragma unroll
            for (int i = 0; i < DOWN; i++) {
                // The small products first: they are not lost in a sum that the large one has made larger.
#pragma unroll
                for (int part = SPLIT_A ? 1 : 0; part >= 0; part--) {
                    unsigned fa[4];
                    OperandA::fragment(fa, as, row + 16 * i, step, part);
#pragma unroll
                    for (int j = 0; j < 2 * ACROSS; j++) {
                        float(&sum)[4] = d[i][j];
                        unsigned high[2] = {fb[0][j / 2][j % 2], fb[0][j / 2][j % 2 + 2]};
                        if constexpr (P == Precision::TF32) {
                            mma_tf32(sum, fa, high);
                        } else {
                            if constexpr (SPLIT_B) {
                                unsigned low[2] = {fb[1][j / 2][j % 2], fb[1][j / 2][j % 2 + 2]};
                                if (part == 0) mma_bf16(sum, fa, low);
                            }
                            mma_bf16(sum, fa, high);
                        }
                    }
                }
            }
        }
        if (more) {
            put<OperandA>(staged_a, a, stages[stage ^ 1]);
            put<OperandB>(staged_b, b, stages[stage ^ 1] + OperandA::BYTES);
        }
        __syncthreads();
        stage ^= 1;
    }
#pragma unroll
    for (int i = 0; i < DOWN; i++) {
#pragma unroll
        for (int j = 0; j < 2 * ACROSS; j++) {
            int r = row0 + row + 16 * i + lane / 4;
            int c = col0 + col + 8 * j + lane % 4 * 2;
            if (r < m && c < n) store(r, c, d[i][j][0], d[i][j][1], c + 1 < n);
            if (r + 8 < m && c < n) store(r + 8, c, d[i][j][2], d[i][j][3], c + 1 < n);
        }
    }
}

// ---- on the ordinary cores ---------------------------------------------------------------------------------------------------------

constexpr int EDGE = 64;
constexpr int SUMS = 4;

// Of element (row, k .. ) in a stage of an operand; rows of a group of four stay together and in order.
__device__ __forceinline__ int place(int row, int k) {
    return k * EDGE + (row ^ k / 4 % 4 * 8);
}

template <class Staged, class Loader>
__device__ __forceinline__ void put(const Staged& staged, const Loader& loader, float4* base) {
    float* at = reinterpret_cast<float*>(base);
#pragma unroll
    for (int j = 0; j < Staged::ITEMS; j++) {
        int row = Staged::row(j), k = Staged::k(j);
        float v[4];
        staged.widen(loader, v, j);
        if constexpr (Staged::ALONG_K) {
#pragma unroll
            for (int e = 0; e < 4; e++) at[place(row, k + e)] = v[e];
        } else {
            base[place(row, k) / 4] = make_float4(v[0], v[1], v[2], v[3]);
        }
    }
}

template <class Shape, class A, class B, class Store>
__device__ __forceinline__ void plain_product(const A& a, const B& b, const Store& store, int row0, int col0, int m, int n,
                                              int k_begin, int k_end) {
    constexpr int DEPTH = Shape::DEPTH;
    constexpr int OPERAND = EDGE * DEPTH / 4;
    using StagingA = Staging<EDGE, DEPTH, Shape::THREADS, A>;
    using StagingB = Staging<EDGE, DEPTH, Shape::THREADS, B>;
    __shared__ float4 stages[2][EDGE * EDGE / 4]; // two operands, and at the end a tile of C
    static_assert(2 * OPERAND <= EDGE * EDGE / 4 && DEPTH == 4 * SUMS);

    int t = static_cast<int>(threadIdx.x);
    int quarter = t / 64; // whose sum
    int row = t % 64 / 8 * 4;
    int col = t % 8 * 4;
    float d[8][8];
#pragma unroll
    for (int i = 0; i < 8; i++) {
#pragma unroll
        for (int j = 0; j < 8; j++) d[i][j] = 0.0f;
    }
    StagingA staged_a;
    StagingB staged_b;
    staged_a.start(a, row0);
    staged_b.start(b, col0);
    if (k_begin < k_end) {
        staged_a.fetch(a, k_begin);
        staged_b.fetch(b, k_begin);
        put(staged_a, a, stages[0]);
        put(staged_b, b, stages[0] + OPERAND);
    }
    __syncthreads();
    int stage = 0;
    for (int k0 = k_begin; k0 < k_end; k0 += DEPTH) {
        bool more = k0 + DEPTH < k_end;
        if (more) {
            staged_a.fetch(a, k0 + DEPTH);
            staged_b.fetch(b, k0 + DEPTH);
        }
        const float4* as = stages[stage];
        const float4* bs = stages[stage] + OPERAND;
#pragma unroll 2 // more at a time take registers that are not there
        for (int e = 0; e < 4; e++) {
            int k = quarter * 4 + e;
            float x[2][4], y[2][4];
            set4(x[0], as[place(row, k) / 4]);
            set4(x[1], as[place(row + 32, k) / 4]);
            set4(y[0], bs[place(col, k) / 4]);
            set4(y[1], bs[place(col + 32, k) / 4]);
#pragma unroll
            for (int i = 0; i < 8; i++) {
#pragma unroll
                for (int j = 0; j < 8; j++) d[i][j] = fmaf(x[i / 4][i % 4], y[j / 4][j % 4], d[i][j]);
            }
        }
        if (more) {
            put(staged_a, a, stages[stage ^ 1]);
            put(staged_b, b, stages[stage ^ 1] + OPERAND);
        }
        __syncthreads();
        stage ^= 1;
    }
    // (s0 + s1) + (s2 + s3): the odd quarters hand their sums to the even ones, then the third to the first. The thread number is the
    // fastest index, so that neighbours write to neighbours.
#pragma unroll
    for (int round = 1; round < SUMS; round *= 2) {
        bool gives = quarter % (2 * round) == round;
        bool takes = quarter % (2 * round) == 0;
        float4* sums = stages[quarter / (2 * round)];
#pragma unroll
        for (int i = 0; i < 8; i++) {
#pragma unroll
            for (int j = 0; j < 2; j++) {
                if (gives) {
                    sums[(i * 2 + j) * 64 + t % 64] = make_float4(d[i][4 * j], d[i][4 * j + 1], d[i][4 * j + 2], d[i][4 * j + 3]);
                }
            }
        }
        __syncthreads();
#pragma unroll
        for (int i = 0; i < 8; i++) {
#pragma unroll
            for (int j = 0; j < 2; j++) {
                if (takes) {
                    float4 s = sums[(i * 2 + j) * 64 + t % 64];
                    d[i][4 * j] += s.x;
                    d[i][4 * j + 1] += s.y;
                    d[i][4 * j + 2] += s.z;
                    d[i][4 * j + 3] += s.w;
                }
            }
        }
        __syncthreads();
    }
    if (quarter != 0) return;
#pragma unroll
    for (int i = 0; i < 8; i++) {
        int r = row0 + row + i % 4 + i / 4 * 32;
#pragma unroll
        for (int j = 0; j < 8; j += 2) {
            int c = col0 + col + j % 4 + j / 4 * 32;
            if (r < m && c < n) store(r, c, d[i][j], d[i][j + 1], c + 1 < n);
        }
    }
}

} // namespace tile

// Computes the tile of C from row0, col0 on, with the k of [k_begin, k_end); k_begin a multiple of DEPTH, k_end also unless it is the
// end of k. To be called once in a kernel, by all threads of a block of Shape::THREADS; it may return early in some.
template <class Shape, class A, class B, class Store>
__device__ __forceinline__ void tile_product(const A& a, const B& b, const Store& store, int row0, int col0, int m, int n,
                                             int k_begin, int k_end) {
    if constexpr (Shape::PRECISION == Precision::F32) {
        tile::plain_product<Shape>(a, b, store, row0, col0, m, n, k_begin, k_end);
    } else {
        tile::tensor_product<Shape>(a, b, store, row0, col0, m, n, k_begin, k_end);
    }
}
