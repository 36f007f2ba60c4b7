// Normalisations: RMS norm (plain and gated), layer norm and L2 norm of rows, group norm of pictures; forward and backward.
//
// All are limited by memory, so each input is read once where it can be kept in registers.
//
// Rows: a block a row (a row and group for the gated norm), PER elements a thread a block width apart, so a warp's accesses are
// contiguous and a thread has PER loads of each input under way. The launcher chooses the width of the block so that PER
// elements a thread cover the row (768 columns: 96 threads, 1536: 192), up to 512 threads. Such a row stays in registers
// between the sum and its use; longer ones, above 4096 columns, are read again, from the L2 cache. Backward: a block takes
// a run of rows, one after another, and keeps the sums of dWeight for its columns in registers (in its row of the partial
// sums, which nobody else touches, for long rows). Runs are chosen so that there are about as many blocks as run at a time;
// column_sums_f32 adds the partial sums.
//
// Pictures: a group is contiguous. One of up to 4096 elements is done by one block in one pass. Larger ones (a batch of one
// picture has only 32 groups, and there are more multiprocessors than that) are cut into parts, a block each, whose means
// and squares of deviations go to scratch memory; the blocks of the second pass, one for each 4096 pixels of a channel,
// each merge the parts of their group, which costs less than a kernel between. Within a channel weight and bias are
// constant, so no element needs a division to find them. Backward likewise, with sums for each channel, of which both the
// group's sums and dWeight, dBias are made.
//
// Accuracy: a thread adds PER (ITEMS) numbers in f32, everything above that is f64; variances are of deviations from the mean.
//
// Reference: cpu/ScalarNormKernels.java.
#include "common.cuh"

constexpr int PER = 8;
// Of the kernels of rows, and their launch bound: without one the compiler may give a thread more registers than a multiprocessor
// has for that many, and the launch of a long row is refused.
constexpr int MAX_THREADS = 512;
constexpr int MAX_WARPS = MAX_THREADS / WARP;

// ---- rows ------------------------------------------------------------------------------------------------------------------

// A step is what the block covers at a time.
__device__ __forceinline__ int step() {
    return PER * static_cast<int>(blockDim.x);
}

__device__ __forceinline__ int column(int first, int j) {
    return first + j * static_cast<int>(blockDim.x) + static_cast<int>(threadIdx.x);
}

// This thread's elements of the step that starts at `first`; 0 behind the end of the row.
__device__ __forceinline__ void load(float (&v)[PER], const float* row, int first, int cols) {
#pragma unroll
    for (int j = 0; j < PER; j++) {
        int c = column(first, j);
        v[j] = c < cols ? row[c] : 0.0f;
    }
}

// Two block sums for the barriers of one.
__device__ __forceinline__ void block_sum_2(double& a, double& b, double (&scratch)[2][MAX_WARPS]) {
    int warps = static_cast<int>(blockDim.x) / WARP;
    a = warp_sum(a);
    b = warp_sum(b);
    if (threadIdx.x % WARP == 0) {
        scratch[0][threadIdx.x / WARP] = a;
        scratch[1][threadIdx.x / WARP] = b;
    }
    __syncthreads();
    a = scratch[0][0];
    b = scratch[1][0];
    for (int w = 1; w < warps; w++) {
        a += scratch[0][w];
        b += scratch[1][w];
    }
    __syncthreads();
}

// y = x gate / rms weight with gate = silu(z); the rms of x gate, or of x with norm_first. Without gate: gate = 1. One
// block for each group of each row; `inverse_width` is 1 / width.
template <bool gated>
__device__ __forceinline__ void rms_forward(float* y, float* inv_rms, const float* x, const float* z, const float* weight,
                                            int width, int groups, int norm_first, double inverse_width, float eps) {
    __shared__ double scratch[MAX_WARPS];
    size_t base = static_cast<size_t>(blockIdx.x) * width;
    const float* ws = weight + static_cast<size_t>(static_cast<int>(blockIdx.x) % groups) * width;
    float v[PER], gate[PER], w[PER];
    double squares = 0.0;
    for (int first = 0; first < width; first += step()) {
        load(v, x + base, first, width);
        if (gated) load(gate, z + base, first, width);
        load(w, ws, first, width); // here, so that it is under way during the sum
        float part = 0.0f;
#pragma unroll
        for (int j = 0; j < PER; j++) {
            float plain = v[j];
            if (gated) v[j] *= silu(gate[j]);
            float summed = gated && norm_first ? plain : v[j];
            part = fmaf(summed, summed, part);
        }
        squares += part;
    }
    squares = block_sum(squares, scratch);
    float inv = inverse_rms(squares, inverse_width, eps);
    if (threadIdx.x == 0) inv_rms[blockIdx.x] = inv;
    for (int first = 0; first < width; first += step()) {
        if (step() < width) {
            load(v, x + base, first, width);
            if (gated) load(gate, z + base, first, width);
            load(w, ws, first, width);
#pragma unroll
            for (int j = 0; j < PER; j++) {
                if (gated) v[j] *= silu(gate[j]);
            }
        }
#pragma unroll
        for (int j = 0; j < PER; j++) {
            int c = column(first, j);
            if (c < width) y[base + c] = v[j] * inv * w[j];
        }
    }
}

extern "C" __global__ void __launch_bounds__(MAX_THREADS) rms_norm_forward_f32(
        float* y, float* inv_rms, const float* x, const float* weight, int cols, double inverse_cols, float eps) {
    rms_forward<false>(y, inv_rms, x, nullptr, weight, cols, 1, 0, inverse_cols, eps);
}

extern "C" __global__ void __launch_bounds__(MAX_THREADS) gated_rms_norm_forward_f32(
        float* y, float* inv_rms, const float* x, const float* z, const float* weight, int width, int groups, int norm_first,
        double inverse_width, float eps) {
    rms_forward<true>(y, inv_rms, x, z, weight, width, groups, norm_first, inverse_width, eps);
}

// What stands between two mixers: sum = branch gate + residual, y = rms norm of sum, and with shift y (1 + scale) + shift. gate, shift and
// scale belong to the sequence of the row. Rounds as gate, add, norm and modulate do one after the other. One block a row.
extern "C" __global__ void __launch_bounds__(MAX_THREADS) gate_add_rms_norm_f32(
        float* y, float* sum, const float* branch, const float* gate, const float* residual, const float* weight,
        const float* shift, const float* scale, int length, int cols, double inverse_cols, float eps) {
    __shared__ double scratch[MAX_WARPS];
    int row = static_cast<int>(blockIdx.x);
    size_t base = static_cast<size_t>(row) * cols, condition = static_cast<size_t>(row / length) * cols;
    float v[PER], g[PER], r[PER], w[PER], add[PER], factor[PER];
    auto load_condition = [&](int first) { // early, so that it is under way during the sum
        load(w, weight, first, cols);
        if (shift != nullptr) {
            load(add, shift + condition, first, cols);
            load(factor, scale + condition, first, cols);
        }
    };
    double squares = 0.0;
    for (int first = 0; first < cols; first += step()) {
        load(v, branch + base, first, cols);
        load(g, gate + condition, first, cols);
        load(r, residual + base, first, cols);
        load_condition(first);
        float part = 0.0f;
#pragma unroll
        for (int j = 0; j < PER; j++) {
            v[j] = __fadd_rn(__fmul_rn(v[j], g[j]), r[j]);
            part = fmaf(v[j], v[j], part);
            int c = column(first, j);
            if (c < cols) sum[base + c] = v[j];
        }
        squares += part;
    }
    squares = block_sum(squares, scratch);
    float inv = inverse_rms(squares, inverse_cols, eps);
    for (int first = 0; first < cols; first += step()) {
        if (step() < cols) {
            load(v, sum + base, first, cols); // what this thread has written
            load_condition(first);
        }
#pragma unroll
        for (int j = 0; j < PER; j++) {
            int c = column(first, j);
            float normed = v[j] * inv * w[j];
            if (c < cols) y[base + c] = shift == nullptr ? normed : fmaf(normed, 1.0f + factor[j], add[j]);
        }
    }
}

// Adds `v` to column `c` of the partial sums of a run: in memory, where a row does not fit the registers.
__device__ __forceinline__ void add_to(float* partial, int c, bool first_row, float v) {
    partial[c] = first_row ? v : partial[c] + v;
}

// With a = dy x gate: dot = <a, weight>, dWeight += a / rms, pull = dot / (width rms^3);
// norm first: dx = dy weight gate / rms - pull x, dz = dy weight x silu'(z) / rms;
// gate first: dv = dy weight / rms - pull x gate, dx = dv gate, dz = dv x silu'(z).
// One block for each group of each run of rows. partial (runs, groups width); dx, dz, partial may be null.
template <bool gated>
__device__ __forceinline__ void rms_backward(float* dx, float* dz, float* partial, const float* dy, const float* x,
                                             const float* z, const float* weight, const float* inv_rms, int rows, int width,
                                             int groups, int norm_first, int rows_of_block, double inverse_width) {
    __shared__ double scratch[MAX_WARPS];
    int group = static_cast<int>(blockIdx.x) % groups;
    int run = static_cast<int>(blockIdx.x) / groups;
    int first_row = run * rows_of_block;
    int last_row = min(rows, first_row + rows_of_block);
    bool in_registers = width <= step();
    weight += static_cast<size_t>(group) * width;
    if (partial != nullptr) partial += (static_cast<size_t>(run) * groups + group) * width;
    float d[PER], v[PER], gate[PER], slope[PER], w[PER], sums[PER];
#pragma unroll
    for (int j = 0; j < PER; j++) {
        sums[j] = 0.0f;
        gate[j] = 1.0f;
        slope[j] = 0.0f;
    }
    load(w, weight, 0, width);
    auto load_all = [&](size_t base, int first) {
        load(d, dy + base, first, width);
        load(v, x + base, first, width);
        if (!in_registers) load(w, weight, first, width);
        if (gated) {
            load(gate, z + base, first, width);
#pragma unroll
            for (int j = 0; j < PER; j++) {
                float s = sigmoid(gate[j]);
                slope[j] = s * (1.0f + gate[j] * (1.0f - s));
                gate[j] *= s;
            }
        }
    };
    for (int r = first_row; r < last_row; r++) {
        size_t at = static_cast<size_t>(r) * groups + group;
        size_t base = at * width;
        float inv = inv_rms[at];
        double dot = 0.0;
        for (int first = 0; first < width; first += step()) {
            load_all(base, first);
            float part = 0.0f;
#pragma unroll
            for (int j = 0; j < PER; j++) {
                float a = d[j] * v[j] * gate[j];
                part = fmaf(a, w[j], part);
                if (in_registers) {
                    sums[j] = fmaf(a, inv, sums[j]);
                } else if (partial != nullptr && column(first, j) < width) {
                    add_to(partial, column(first, j), r == first_row, a * inv);
                }
            }
            dot += part;
        }
        if (dx == nullptr && dz == nullptr) continue;
        dot = block_sum(dot, scratch);
        float pull = static_cast<float>(static_cast<double>(inv) * inv * inv * dot * inverse_width);
        for (int first = 0; first < width; first += step()) {
            if (!in_registers) load_all(base, first);
#pragma unroll
            for (int j = 0; j < PER; j++) {
                int c = column(first, j);
                if (c >= width) continue;
                float gradient = inv * d[j] * w[j];
                if (gated && norm_first) {
                    if (dx != nullptr) dx[base + c] = gradient * gate[j] - pull * v[j];
                    if (dz != nullptr) dz[base + c] = gradient * v[j] * slope[j];
                } else {
                    float dv = gradient - pull * v[j] * gate[j];
                    if (dx != nullptr) dx[base + c] = dv * gate[j];
                    if (gated && dz != nullptr) dz[base + c] = dv * v[j] * slope[j];
                }
            }
        }
    }
    if (in_registers && partial != nullptr) {
#pragma unroll
        for (int j = 0; j < PER; j++) {
            int c = column(0, j);
            if (c < width) partial[c] = sums[j];
        }
    }
}

extern "C" __global__ void __launch_bounds__(MAX_THREADS) rms_norm_backward_f32(
        float* dx, float* partial, const float* dy, const float* x, const float* weight, const float* inv_rms, int rows,
        int cols, int rows_of_block, double inverse_cols) {
    rms_backward<false>(dx, nullptr, partial, dy, x, nullptr, weight, inv_rms, rows, cols, 1, 0, rows_of_block, inverse_cols);
}

extern "C" __global__ void __launch_bounds__(MAX_THREADS) gated_rms_norm_backward_f32(
        float* dx, float* dz, float* partial, const float* dy, const float* x, const float* z, const float* weight,
        const float* inv_rms, int rows, int width, int groups, int norm_first, int rows_of_block, double inverse_width) {
    rms_backward<true>(dx, dz, partial, dy, x, z, weight, inv_rms, rows, width, groups, norm_first, rows_of_block, inverse_width);
}

// y = (x - mean) / sqrt(var + eps) weight + bias; stats (rows, 2): mean and 1 / sqrt(var + eps). One block a row.
extern "C" __global__ void __launch_bounds__(MAX_THREADS) layer_norm_forward_f32(
        float* y, float* stats, const float* x, const float* weight, const float* bias, int cols, double inverse_cols,
        float eps) {
    __shared__ double scratch[MAX_WARPS];
    size_t base = static_cast<size_t>(blockIdx.x) * cols;
    bool in_registers = cols <= step();
    float v[PER], w[PER], b[PER];
    double sum = 0.0;
    for (int first = 0; first < cols; first += step()) {
        load(v, x + base, first, cols);
        load(w, weight, first, cols);
        load(b, bias, first, cols);
        float part = 0.0f;
#pragma unroll
        for (int j = 0; j < PER; j++) part += v[j];
        sum += part;
    }
    sum = block_sum(sum, scratch) * inverse_cols;
    float mean = static_cast<float>(sum);
    float rest = static_cast<float>(sum - mean); // a mean of few bits would add to the variance where it is large
    double squares = 0.0;
    for (int first = 0; first < cols; first += step()) {
        if (!in_registers) load(v, x + base, first, cols);
        float part = 0.0f;
#pragma unroll
        for (int j = 0; j < PER; j++) {
            float deviation = v[j] - mean - rest;
            if (column(first, j) < cols) part = fmaf(deviation, deviation, part);
        }
        squares += part;
    }
    squares = block_sum(squares, scratch);
    float inv = 1.0f / sqrtf(static_cast<float>(squares * inverse_cols + eps));
    if (threadIdx.x == 0) {
        stats[2 * static_cast<size_t>(blockIdx.x)] = mean;
        stats[2 * static_cast<size_t>(blockIdx.x) + 1] = inv;
    }
    for (int first = 0; first < cols; first += step()) {
        if (!in_registers) {
            load(v, x + base, first, cols);
            load(w, weight, first, cols);
            load(b, bias, first, cols);
        }
#pragma unroll
        for (int j = 0; j < PER; j++) {
            int c = column(first, j);
            if (c < cols) y[base + c] = (v[j] - mean) * inv * w[j] + b[j];
        }
    }
}

// dx = (dy weight - mean(dy weight) - n mean(dy weight n)) / sqrt(var + eps) with n the normalised x; partial sums of
// dWeight and dBias (runs, cols). One block a run of rows; dx, weights, biases may be null.
extern "C" __global__ void __launch_bounds__(MAX_THREADS) layer_norm_backward_f32(
        float* dx, float* weights, float* biases, const float* dy, const float* x, const float* weight, const float* stats,
        int rows, int cols, int rows_of_block, double inverse_cols) {
    __shared__ double scratch[2][MAX_WARPS];
    int first_row = static_cast<int>(blockIdx.x) * rows_of_block;
    int last_row = min(rows, first_row + rows_of_block);
    bool in_registers = cols <= step();
    if (weights != nullptr) weights += static_cast<size_t>(blockIdx.x) * cols;
    if (biases != nullptr) biases += static_cast<size_t>(blockIdx.x) * cols;
    float d[PER], n[PER], w[PER], weight_sums[PER], bias_sums[PER];
#pragma unroll
    for (int j = 0; j < PER; j++) {
        weight_sums[j] = 0.0f;
        bias_sums[j] = 0.0f;
    }
    load(w, weight, 0, cols);
    for (int r = first_row; r < last_row; r++) {
        size_t base = static_cast<size_t>(r) * cols;
        float mean = stats[2 * static_cast<size_t>(r)];
        float inv = stats[2 * static_cast<size_t>(r) + 1];
        auto load_all = [&](int first) {
            load(d, dy + base, first, cols);
            load(n, x + base, first, cols);
            if (!in_registers) load(w, weight, first, cols);
#pragma unroll
            for (int j = 0; j < PER; j++) n[j] = (n[j] - mean) * inv;
        };
        double sum = 0.0, dot = 0.0;
        for (int first = 0; first < cols; first += step()) {
            load_all(first);
            float part_sum = 0.0f, part_dot = 0.0f;
#pragma unroll
            for (int j = 0; j < PER; j++) {
                if (column(first, j) >= cols) continue; // n is not 0 there
                float a = d[j] * w[j];
                part_sum += a;
                part_dot = fmaf(a, n[j], part_dot);
                if (in_registers) {
                    weight_sums[j] = fmaf(d[j], n[j], weight_sums[j]);
                    bias_sums[j] += d[j];
                } else {
                    if (weights != nullptr) add_to(weights, column(first, j), r == first_row, d[j] * n[j]);
                    if (biases != nullptr) add_to(biases, column(first, j), r == first_row, d[j]);
                }
            }
            sum += part_sum;
            dot += part_dot;
        }
        if (dx == nullptr) continue;
        block_sum_2(sum, dot, scratch);
        float mean_sum = static_cast<float>(sum * inverse_cols);
        float mean_dot = static_cast<float>(dot * inverse_cols);
        for (int first = 0; first < cols; first += step()) {
            if (!in_registers) load_all(first);
#pragma unroll
            for (int j = 0; j < PER; j++) {
                int c = column(first, j);
                if (c < cols) dx[base + c] = inv * (d[j] * w[j] - mean_sum - n[j] * mean_dot);
            }
        }
    }
    if (in_registers) {
#pragma unroll
        for (int j = 0; j < PER; j++) {
            int c = column(0, j);
            if (c < cols && weights != nullptr) weights[c] = weight_sums[j];
            if (c < cols && biases != nullptr) biases[c] = bias_sums[j];
        }
    }
}

// out[c] = sum over r of partial[r, c], in f64. A block for 32 columns, 32 x 32 threads.
extern "C" __global__ void __launch_bounds__(WARP * WARP) column_sums_f32(
        float* out, const float* partial, int rows, int cols) {
    __shared__ double sums[WARP][WARP + 1];
    int c = static_cast<int>(blockIdx.x) * WARP + static_cast<int>(threadIdx.x);
    double sum = 0.0;
    if (c < cols) {
#pragma unroll 4
        for (int r = static_cast<int>(threadIdx.y); r < rows; r += WARP) sum += partial[static_cast<size_t>(r) * cols + c];
    }
    sums[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    // A warp a column from here on: shuffles instead of 32 rounds.
    sum = warp_sum(sums[threadIdx.x][threadIdx.y]);
    c = static_cast<int>(blockIdx.x) * WARP + static_cast<int>(threadIdx.y);
    if (threadIdx.x == 0 && c < cols) out[c] = static_cast<float>(sum);
}

// y = x / max(|x|, eps). One block a row.
extern "C" __global__ void __launch_bounds__(MAX_THREADS) l2_normalize_forward_f32(
        float* y, float* inv_norm, const float* x, int cols, float eps) {
    __shared__ double scratch[MAX_WARPS];
    size_t base = static_cast<size_t>(blockIdx.x) * cols;
    float v[PER];
    double squares = 0.0;
    for (int first = 0; first < cols; first += step()) {
        load(v, x + base, first, cols);
        float part = 0.0f;
#pragma unroll
        for (int j = 0; j < PER; j++) part = fmaf(v[j], v[j], part);
        squares += part;
    }
    squares = block_sum(squares, scratch);
    float norm = sqrtf(static_cast<float>(squares));
    float inv = 1.0f / (norm < eps ? eps : norm); // a NaN stays
    if (threadIdx.x == 0) inv_norm[blockIdx.x] = inv;
    for (int first = 0; first < cols; first += step()) {
        if (step() < cols) load(v, x + base, first, cols);
#pragma unroll
        for (int j = 0; j < PER; j++) {
            int c = column(first, j);
            if (c < cols) y[base + c] = v[j] * inv;
        }
    }
}

// dx = (dy - y <dy, y>) inv, without the projection where inv is that of eps, `clipped`. One block a row.
extern "C" __global__ void __launch_bounds__(MAX_THREADS) l2_normalize_backward_f32(
        float* dx, const float* dy, const float* y, const float* inv_norm, int cols, float clipped) {
    __shared__ double scratch[MAX_WARPS];
    size_t base = static_cast<size_t>(blockIdx.x) * cols;
    float d[PER], v[PER];
    double dot = 0.0;
    for (int first = 0; first < cols; first += step()) {
        load(d, dy + base, first, cols);
        load(v, y + base, first, cols);
        float part = 0.0f;
#pragma unroll
        for (int j = 0; j < PER; j++) part = fmaf(d[j], v[j], part);
        dot += part;
    }
    float inv = inv_norm[blockIdx.x];
    dot = block_sum(dot, scratch);
    float pull = inv >= clipped ? 0.0f : static_cast<float>(dot);
    for (int first = 0; first < cols; first += step()) {
        if (step() < cols) {
            load(d, dy + base, first, cols);
            load(v, y + base, first, cols);
        }
#pragma unroll
        for (int j = 0; j < PER; j++) {
            int c = column(first, j);
            if (c < cols) dx[base + c] = (d[j] - pull * v[j]) * inv;
        }
    }
}

// The same for rows of few elements (the 8 of a code vector), which would leave most of a block idle: a thread a row.
extern "C" __global__ void l2_normalize_narrow_forward_f32(float* y, float* inv_norm, const float* x, int rows, int cols,
                                                           float eps) {
    int r = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (r >= rows) return;
    const float* row = x + static_cast<size_t>(r) * cols;
    float squares = 0.0f;
    for (int c = 0; c < cols; c++) squares = fmaf(row[c], row[c], squares);
    float norm = sqrtf(squares);
    float inv = 1.0f / (norm < eps ? eps : norm);
    inv_norm[r] = inv;
    for (int c = 0; c < cols; c++) y[static_cast<size_t>(r) * cols + c] = row[c] * inv;
}

extern "C" __global__ void l2_normalize_narrow_backward_f32(float* dx, const float* dy, const float* y, const float* inv_norm,
                                                            int rows, int cols, float clipped) {
    int r = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (r >= rows) return;
    size_t base = static_cast<size_t>(r) * cols;
    float dot = 0.0f;
    for (int c = 0; c < cols; c++) dot = fmaf(dy[base + c], y[base + c], dot);
    float inv = inv_norm[r];
    float pull = inv >= clipped ? 0.0f : dot;
    for (int c = 0; c < cols; c++) dx[base + c] = (dy[base + c] - pull * y[base + c]) * inv;
}

// ---- pictures --------------------------------------------------------------------------------------------------------------

constexpr int THREADS = 256;
constexpr int ITEMS = 16;
constexpr int TILE = THREADS * ITEMS; // elements that a block holds in registers

__device__ __forceinline__ int item(int j) {
    return j * THREADS + static_cast<int>(threadIdx.x);
}

// This thread's elements of a tile of n <= TILE.
__device__ __forceinline__ void load_tile(float (&v)[ITEMS], const float* from, int n) {
#pragma unroll
    for (int j = 0; j < ITEMS; j++) v[j] = item(j) < n ? from[item(j)] : 0.0f;
}

struct Moments {
    double mean, squares; // squares: sum of the squared deviations from the mean
};

// Of a tile of n elements, the same in each thread.
__device__ __forceinline__ Moments tile_moments(const float (&v)[ITEMS], int n, double* scratch) {
    float part = 0.0f;
#pragma unroll
    for (int j = 0; j < ITEMS; j++) part += v[j];
    double mean = block_sum(static_cast<double>(part), scratch) / n;
    float high = static_cast<float>(mean);
    float low = static_cast<float>(mean - high);
    part = 0.0f;
#pragma unroll
    for (int j = 0; j < ITEMS; j++) {
        float deviation = v[j] - high - low;
        if (item(j) < n) part = fmaf(deviation, deviation, part);
    }
    return {mean, block_sum(static_cast<double>(part), scratch)};
}

__device__ __forceinline__ float normalized(float x, float mean, float inv, float weight, float bias, int with_silu) {
    float u = (x - mean) * inv * weight + bias;
    return with_silu ? silu(u) : u;
}

// Groups of count <= TILE elements, a block each. y may be null.
extern "C" __global__ void group_norm_small_f32(float* y, float* stats, const float* x, const float* weight, const float* bias,
                                                int channels_of_group, int area, int groups, float eps, int with_silu) {
    __shared__ double scratch[THREADS / WARP];
    int count = channels_of_group * area;
    size_t base = static_cast<size_t>(blockIdx.x) * count;
    float v[ITEMS];
    load_tile(v, x + base, count);
    Moments m = tile_moments(v, count, scratch);
    float mean = static_cast<float>(m.mean);
    float inv = 1.0f / sqrtf(static_cast<float>(m.squares / count + eps));
    if (threadIdx.x == 0) {
        stats[2 * static_cast<size_t>(blockIdx.x)] = mean;
        stats[2 * static_cast<size_t>(blockIdx.x) + 1] = inv;
    }
    if (y == nullptr) return;
    int first_channel = static_cast<int>(blockIdx.x) % groups * channels_of_group;
#pragma unroll
    for (int j = 0; j < ITEMS; j++) {
        if (item(j) < count) {
            int c = first_channel + item(j) / area;
            y[base + item(j)] = normalized(v[j], mean, inv, weight[c], bias[c], with_silu);
        }
    }
}

// Moments of the parts of groups: partial (batch groups, parts). A part is `part_size` elements, a multiple of TILE; the
// last of a group may be shorter. One block a part.
extern "C" __global__ void group_norm_moments_f32(double* partial, const float* x, int count, int parts, int part_size) {
    __shared__ double scratch[THREADS / WARP];
    int part = static_cast<int>(blockIdx.x) % parts;
    const float* group = x + static_cast<size_t>(static_cast<int>(blockIdx.x) / parts) * count;
    int end = min(count, part * part_size + part_size);
    Moments all = {0.0, 0.0};
    double seen = 0.0;
    float v[ITEMS];
    for (int first = part * part_size; first < end; first += TILE) {
        int n = min(TILE, end - first);
        load_tile(v, group + first, n);
        Moments m = tile_moments(v, n, scratch);
        // Chan, Golub and LeVeque 1979
        double apart = m.mean - all.mean;
        double share = n / (seen + n);
        all.mean += apart * share;
        all.squares += m.squares + apart * apart * seen * share;
        seen += n;
    }
    if (threadIdx.x == 0) {
        partial[2 * static_cast<size_t>(blockIdx.x)] = all.mean;
        partial[2 * static_cast<size_t>(blockIdx.x) + 1] = all.squares;
    }
}

// Merges the moments of a group and normalises `TILE` pixels of one of its channels: blockIdx.x = channel of the batch *
// tiles + tile. With y null: only stats, one block a group.
extern "C" __global__ void group_norm_apply_f32(float* y, float* stats, const float* x, const float* weight, const float* bias,
                                                const double* partial, int channels, int area, int channels_of_group, int parts,
                                                int part_size, int tiles, float eps, int with_silu) {
    __shared__ double scratch[THREADS / WARP];
    int count = channels_of_group * area;
    int plane = y == nullptr ? static_cast<int>(blockIdx.x) * channels_of_group : static_cast<int>(blockIdx.x) / tiles;
    int tile = y == nullptr ? 0 : static_cast<int>(blockIdx.x) % tiles;
    int group = plane / channels_of_group;
    size_t base = static_cast<size_t>(plane) * area + static_cast<size_t>(tile) * TILE;
    int n = y == nullptr ? 0 : min(TILE, area - tile * TILE);
    float v[ITEMS];
    load_tile(v, x + base, n);

    const double* moments = partial + 2 * static_cast<size_t>(group) * parts;
    double sum = 0.0;
    for (int p = static_cast<int>(threadIdx.x); p < parts; p += THREADS) {
        sum += moments[2 * p] * min(part_size, count - p * part_size);
    }
    double mean = block_sum(sum, scratch) / count;
    double squares = 0.0;
    for (int p = static_cast<int>(threadIdx.x); p < parts; p += THREADS) {
        double apart = moments[2 * p] - mean;
        squares += moments[2 * p + 1] + apart * apart * min(part_size, count - p * part_size);
    }
    squares = block_sum(squares, scratch);
    float m = static_cast<float>(mean);
    float inv = 1.0f / sqrtf(static_cast<float>(squares / count + eps));
    if (threadIdx.x == 0 && tile == 0 && plane % channels_of_group == 0) {
        stats[2 * static_cast<size_t>(group)] = m;
        stats[2 * static_cast<size_t>(group) + 1] = inv;
    }
    if (y == nullptr) return;
    float w = weight[plane % channels];
    float b = bias[plane % channels];
#pragma unroll
    for (int j = 0; j < ITEMS; j++) {
        if (item(j) < n) y[base + item(j)] = normalized(v[j], m, inv, w, b, with_silu);
    }
}

// Gradient of what weight and bias give, before silu.
__device__ __forceinline__ float before_silu(float dy, float normal, float weight, float bias, int with_silu) {
    if (!with_silu) return dy;
    float u = normal * weight + bias;
    float s = sigmoid(u);
    return dy * (s * (1.0f + u * (1.0f - s)));
}

// Sums over the parts of channels: partial (batch channels, parts, 2) of du and of du n, with du the gradient before silu
// and n the normalised x. One block a part.
extern "C" __global__ void group_norm_backward_sums_f32(double* partial, const float* dy, const float* x, const float* weight,
                                                        const float* bias, const float* stats, int channels, int area,
                                                        int channels_of_group, int parts, int part_size, int with_silu) {
    __shared__ double scratch[THREADS / WARP];
    int part = static_cast<int>(blockIdx.x) % parts;
    int plane = static_cast<int>(blockIdx.x) / parts;
    size_t group = static_cast<size_t>(plane / channels_of_group);
    float mean = stats[2 * group];
    float inv = stats[2 * group + 1];
    float w = weight[plane % channels];
    float b = bias[plane % channels];
    size_t base = static_cast<size_t>(plane) * area;
    int end = min(area, part * part_size + part_size);
    double sum = 0.0, dot = 0.0;
    float d[ITEMS], v[ITEMS];
    for (int first = part * part_size; first < end; first += TILE) {
        int n = min(TILE, end - first);
        load_tile(d, dy + base + first, n);
        load_tile(v, x + base + first, n);
        float part_sum = 0.0f, part_dot = 0.0f;
#pragma unroll
        for (int j = 0; j < ITEMS; j++) {
            float normal = (v[j] - mean) * inv;
            float du = before_silu(d[j], normal, w, b, with_silu);
            if (item(j) < n) {
                part_sum += du;
                part_dot = fmaf(du, normal, part_dot);
            }
        }
        sum += part_sum;
        dot += part_dot;
    }
    sum = block_sum(sum, scratch);
    dot = block_sum(dot, scratch);
    if (threadIdx.x == 0) {
        partial[2 * static_cast<size_t>(blockIdx.x)] = sum;
        partial[2 * static_cast<size_t>(blockIdx.x) + 1] = dot;
    }
}

// dx = (du weight - mean(du weight) - n mean(du weight n)) / sqrt(var + eps), means over the group, from the sums of its
// channels. blockIdx.x = channel of the batch * tiles + tile.
extern "C" __global__ void group_norm_backward_f32(float* dx, const float* dy, const float* x, const float* weight,
                                                   const float* bias, const float* stats, const double* partial, int channels,
                                                   int area, int channels_of_group, int parts, int tiles, int with_silu) {
    __shared__ double scratch[THREADS / WARP];
    int plane = static_cast<int>(blockIdx.x) / tiles;
    int tile = static_cast<int>(blockIdx.x) % tiles;
    int group = plane / channels_of_group;
    size_t base = static_cast<size_t>(plane) * area + static_cast<size_t>(tile) * TILE;
    int n = min(TILE, area - tile * TILE);
    float d[ITEMS], v[ITEMS];
    load_tile(d, dy + base, n);
    load_tile(v, x + base, n);

    int first_channel = group * channels_of_group % channels;
    const double* sums = partial + 2 * static_cast<size_t>(group) * channels_of_group * parts;
    double sum = 0.0, dot = 0.0;
    for (int p = static_cast<int>(threadIdx.x); p < channels_of_group * parts; p += THREADS) {
        double w = weight[first_channel + p / parts];
        sum += sums[2 * static_cast<size_t>(p)] * w;
        dot += sums[2 * static_cast<size_t>(p) + 1] * w;
    }
    double count = static_cast<double>(channels_of_group) * area;
    float mean_sum = static_cast<float>(block_sum(sum, scratch) / count);
    float mean_dot = static_cast<float>(block_sum(dot, scratch) / count);
    float mean = stats[2 * static_cast<size_t>(group)];
    float inv = stats[2 * static_cast<size_t>(group) + 1];
    float w = weight[plane % channels];
    float b = bias[plane % channels];
#pragma unroll
    for (int j = 0; j < ITEMS; j++) {
        if (item(j) < n) {
            float normal = (v[j] - mean) * inv;
            float du = before_silu(d[j], normal, w, b, with_silu);
            dx[base + item(j)] = inv * (du * w - mean_sum - normal * mean_dot);
        }
    }
}

// dBias and dWeight, the sums of the channel over the batch; either may be null. One warp a channel.
extern "C" __global__ void group_norm_backward_weight_f32(float* d_weight, float* d_bias, const double* partial, int batch,
                                                          int channels, int parts) {
    int c = static_cast<int>(blockIdx.x);
    double sum = 0.0, dot = 0.0;
    for (int i = static_cast<int>(threadIdx.x); i < batch * parts; i += WARP) {
        size_t at = (static_cast<size_t>(i / parts) * channels + c) * parts + i % parts;
        sum += partial[2 * at];
        dot += partial[2 * at + 1];
    }
    sum = warp_sum(sum);
    dot = warp_sum(dot);
    if (threadIdx.x == 0) {
        if (d_bias != nullptr) d_bias[c] = static_cast<float>(sum);
        if (d_weight != nullptr) d_weight[c] = static_cast<float>(dot);
    }
}
