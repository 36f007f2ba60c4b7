// Pointwise functions, the four named broadcasts (add, add bias, modulate, gate) and plain reductions.
//
// All are limited by memory. A thread takes ITEMS elements a block width apart, so a warp's accesses are contiguous and each thread
// has ITEMS loads under way. Reductions add in a fixed order: partial sums of fixed runs of rows or elements, then those.
//
// Reference: cpu/ScalarElementwiseKernels.java.
#include "common.cuh"

constexpr int THREADS = 256;
constexpr int ITEMS = 4;

// Index of item j of this thread; the launcher starts ceil(n / (THREADS * ITEMS)) blocks.
__device__ __forceinline__ int item(int j) {
    return (static_cast<int>(blockIdx.x) * ITEMS + j) * THREADS + static_cast<int>(threadIdx.x);
}

// Codes as ElementwiseKernels.Unary.ordinal().
enum Unary { SILU, SIGMOID, SOFTPLUS, EXP, LOG, RELU, ABS, SQUARE };

__device__ __forceinline__ float apply(int f, float x) {
    switch (f) {
        case SILU: return silu(x);
        case SIGMOID: return sigmoid(x);
        case SOFTPLUS: return softplus(x);
        case EXP: return expf(x);
        case LOG: return logf(x);
        case RELU: return x <= 0.0f ? 0.0f : x; // NaN passes
        case ABS: return fabsf(x);
        default: return x * x;
    }
}

__device__ __forceinline__ float derivative(int f, float x) {
    switch (f) {
        case SILU: {
            float s = sigmoid(x);
            return s * (1.0f + x * (1.0f - s));
        }
        case SIGMOID: {
            float s = sigmoid(x);
            return s * (1.0f - s);
        }
        case SOFTPLUS: return x > 20.0f ? 1.0f : sigmoid(x);
        case EXP: return expf(x);
        case LOG: return 1.0f / x;
        case RELU: return x > 0.0f ? 1.0f : 0.0f;
        case ABS: return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : 0.0f;
        default: return 2.0f * x;
    }
}

extern "C" __global__ void unary_forward_f32(float* y, const float* x, int f, int n) {
    for (int j = 0; j < ITEMS; j++) {
        int i = item(j);
        if (i < n) y[i] = apply(f, x[i]);
    }
}

extern "C" __global__ void unary_backward_f32(float* dx, const float* dy, const float* x, int f, int n) {
    for (int j = 0; j < ITEMS; j++) {
        int i = item(j);
        if (i < n) dx[i] = dy[i] * derivative(f, x[i]);
    }
}

// dx = x > 0 ? dy : slope dy; with dy = x it is the leaky rectifier itself.
extern "C" __global__ void leaky_relu_f32(float* dx, const float* dy, const float* x, float slope, int n) {
    for (int j = 0; j < ITEMS; j++) {
        int i = item(j);
        if (i < n) dx[i] = x[i] > 0.0f ? dy[i] : slope * dy[i];
    }
}

// y = a + sign b
extern "C" __global__ void add_f32(float* y, const float* a, const float* b, float sign, int n) {
    for (int j = 0; j < ITEMS; j++) {
        int i = item(j);
        if (i < n) y[i] = a[i] + sign * b[i];
    }
}

extern "C" __global__ void mul_f32(float* y, const float* a, const float* b, int n) {
    for (int j = 0; j < ITEMS; j++) {
        int i = item(j);
        if (i < n) y[i] = a[i] * b[i];
    }
}

extern "C" __global__ void affine_f32(float* y, const float* x, float alpha, float beta, int n) {
    for (int j = 0; j < ITEMS; j++) {
        int i = item(j);
        if (i < n) y[i] = alpha * x[i] + beta;
    }
}

extern "C" __global__ void axpy_f32(float* y, float alpha, const float* x, int n) {
    for (int j = 0; j < ITEMS; j++) {
        int i = item(j);
        if (i < n) y[i] += alpha * x[i];
    }
}

extern "C" __global__ void add_bias_f32(float* y, const float* x, const float* bias, int n, int cols) {
    for (int j = 0; j < ITEMS; j++) {
        int i = item(j);
        if (i < n) y[i] = x[i] + bias[i % cols];
    }
}

// One block for each 32 columns and each run of `rows_of_block` rows: partial[blockIdx.y, c]. 32 x 8 threads.
extern "C" __global__ void sum_rows_f32(float* partial, const float* x, int rows, int cols, int rows_of_block) {
    __shared__ float sums[8][WARP];
    int c = static_cast<int>(blockIdx.x) * WARP + static_cast<int>(threadIdx.x);
    int first = static_cast<int>(blockIdx.y) * rows_of_block;
    int last = min(rows, first + rows_of_block);
    float sum = 0.0f;
    if (c < cols) {
        for (int r = first + static_cast<int>(threadIdx.y); r < last; r += 8) {
            sum += x[static_cast<size_t>(r) * cols + c];
        }
    }
    sums[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y == 0 && c < cols) {
        for (int i = 1; i < 8; i++) sum += sums[i][threadIdx.x];
        partial[static_cast<size_t>(blockIdx.y) * cols + c] = sum;
    }
}

// y[b, l, c] = x[b, l, c] (1 + scale[b, c]) + shift[b, c]
extern "C" __global__ void modulate_forward_f32(float* y, const float* x, const float* shift, const float* scale, int n,
                                                int length, int dim) {
    for (int j = 0; j < ITEMS; j++) {
        int i = item(j);
        if (i < n) {
            int m = i / dim / length * dim + i % dim;
            y[i] = fmaf(x[i], 1.0f + scale[m], shift[m]);
        }
    }
}

// dx = dy (1 + scale)
extern "C" __global__ void modulate_backward_f32(float* dx, const float* dy, const float* scale, int n, int length, int dim) {
    for (int j = 0; j < ITEMS; j++) {
        int i = item(j);
        if (i < n) dx[i] = dy[i] * (1.0f + scale[i / dim / length * dim + i % dim]);
    }
}

// y[b, l, c] = x[b, l, c] g[b, c]
extern "C" __global__ void gate_f32(float* y, const float* x, const float* g, int n, int length, int dim) {
    for (int j = 0; j < ITEMS; j++) {
        int i = item(j);
        if (i < n) y[i] = x[i] * g[i / dim / length * dim + i % dim];
    }
}

// sum[b, c] = sum over l of dy[b, l, c], product[b, c] = sum over l of dy x; either may be null. One block for 32 columns of a
// sequence, 32 x 8 threads.
extern "C" __global__ void sum_sequence_f32(float* sum, float* product, const float* dy, const float* x, int length, int dim) {
    __shared__ float sums[2][8][WARP];
    int c = static_cast<int>(blockIdx.x) * WARP + static_cast<int>(threadIdx.x);
    size_t base = static_cast<size_t>(blockIdx.y) * length * dim;
    float s = 0.0f, p = 0.0f;
    if (c < dim) {
        for (int l = static_cast<int>(threadIdx.y); l < length; l += 8) {
            size_t at = base + static_cast<size_t>(l) * dim + c;
            s += dy[at];
            if (product != nullptr) p = fmaf(dy[at], x[at], p);
        }
    }
    sums[0][threadIdx.y][threadIdx.x] = s;
    sums[1][threadIdx.y][threadIdx.x] = p;
    __syncthreads();
    if (threadIdx.y == 0 && c < dim) {
        for (int i = 1; i < 8; i++) {
            s += sums[0][i][threadIdx.x];
            p += sums[1][i][threadIdx.x];
        }
        size_t at = static_cast<size_t>(blockIdx.y) * dim + c;
        if (sum != nullptr) sum[at] = s;
        if (product != nullptr) product[at] = p;
    }
}

// dst[r, dst_from + c] = src[r, src_from + c]
extern "C" __global__ void copy_columns_b32(unsigned* dst, int dst_cols, int dst_from, const unsigned* src, int src_cols,
                                            int src_from, int n, int count) {
    for (int j = 0; j < ITEMS; j++) {
        int i = item(j);
        if (i < n) {
            int r = i / count, c = i % count;
            dst[static_cast<size_t>(r) * dst_cols + dst_from + c] = src[static_cast<size_t>(r) * src_cols + src_from + c];
        }
    }
}

struct Piece {
    unsigned* at;
    int from; // first column
    int count;
};

// Copies between the columns of whole rows and up to four pieces that they are cut into; `join` is the direction. Absent pieces have
// no columns.
__device__ __forceinline__ void copy_pieces(unsigned* whole, const Piece (&pieces)[4], int n, int cols, bool join) {
    for (int j = 0; j < ITEMS; j++) {
        int i = item(j);
        if (i < n) {
            int r = i / cols, c = i % cols;
#pragma unroll
            for (int p = 0; p < 4; p++) {
                int within = c - pieces[p].from;
                if (within >= 0 && within < pieces[p].count) {
                    unsigned* piece = pieces[p].at + static_cast<size_t>(r) * pieces[p].count + within;
                    if (join) {
                        whole[i] = *piece;
                    } else {
                        *piece = whole[i];
                    }
                }
            }
        }
    }
}

// p0 .. p3: (rows, c0) .. (rows, c3), neighbours in the rows of x.
extern "C" __global__ void split_columns_b32(unsigned* p0, unsigned* p1, unsigned* p2, unsigned* p3, unsigned* x, int c0, int c1,
                                             int c2, int c3, int n, int cols) {
    Piece pieces[4] = {{p0, 0, c0}, {p1, c0, c1}, {p2, c0 + c1, c2}, {p3, c0 + c1 + c2, c3}};
    copy_pieces(x, pieces, n, cols, false);
}

extern "C" __global__ void join_columns_b32(unsigned* y, unsigned* p0, unsigned* p1, unsigned* p2, unsigned* p3, int c0, int c1,
                                            int c2, int c3, int n, int cols) {
    Piece pieces[4] = {{p0, 0, c0}, {p1, c0, c1}, {p2, c0 + c1, c2}, {p3, c0 + c1 + c2, c3}};
    copy_pieces(y, pieces, n, cols, true);
}

// Partial sums in f64 of x, or of x^2 with `squares`: one a block, each over elements a grid apart.
extern "C" __global__ void sum_f64(double* partial, const float* x, int n, int squares) {
    __shared__ double scratch[THREADS / WARP];
    double sum = 0.0;
    size_t stride = static_cast<size_t>(gridDim.x) * THREADS;
    for (size_t i = static_cast<size_t>(blockIdx.x) * THREADS + threadIdx.x; i < static_cast<size_t>(n); i += stride) {
        double v = x[i];
        sum += squares ? v * v : v;
    }
    sum = block_sum(sum, scratch);
    if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

// 24 bits that look random: the mixer of java.util.SplittableRandom.
__device__ __forceinline__ unsigned dropout_hash(unsigned long long seed, int i) {
    unsigned long long z = seed + static_cast<unsigned long long>(i + 1ll) * 0x9E3779B97F4A7C15ull;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    z ^= z >> 31;
    return static_cast<unsigned>(z >> 40);
}

// The mask of the CPU backends.
extern "C" __global__ void dropout_f32(float* y, const float* x, float p, unsigned long long seed, int n) {
    for (int j = 0; j < ITEMS; j++) {
        int i = item(j);
        if (i < n) y[i] = static_cast<float>(dropout_hash(seed, i)) * 0x1p-24f >= p ? x[i] * (1.0f / (1.0f - p)) : 0.0f;
    }
}
