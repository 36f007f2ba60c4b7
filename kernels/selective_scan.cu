// Mamba-1's selective scan (Gu and Dao 2023, algorithm 2) and its gradient.
//
//   d_t = softplus(delta_t + bias), A = -exp(a_log), S_t[c, n] = exp(d_t[c] A[c, n]) S_{t-1}[c, n] + d_t[c] B_t[n] x_t[c]
//   y_t[c] = sum over n of S_t[c, n] C_t[n] + D[c] x_t[c]
//
// Forward (selective_scan): channels are independent and there are many, so time runs in a loop. A group of lanes has a channel, a
// lane four neighbouring n (float4 where N is a multiple of 4): with N = 16 a warp reads x of 8 neighbouring channels, a full sector.
// Each element of the state belongs to one thread and stays in a register: one kernel for decoding and for sequences, in place if
// wanted.
//
// Backward, in chunks of 16 elements: the forward loop writes down the states at their starts, a loop backwards in time the gradients
// of the states at their ends (selective_carry), and from these all chunks at once recompute their states and take the gradients
// (selective_gradient), a lane an n. A block has one chunk and several channels, one set after the other, so that sums over
// channels, dB and dC, stay in registers; blocks and chunks leave partial sums, which selective_sum adds in their order.
//
// A launch covers up to 128 (gradient: 32) of N from n0 on; launches after the first add to its results.
//
// Reference: cpu/ScalarSsmKernels.java.
#include "common.cuh"

constexpr int THREADS = 128;
constexpr int CHUNK = 16;
constexpr int WIDTH = 4;      // n of a lane
constexpr int AHEAD = 4;      // elements whose loads are under way at once
constexpr int MIN_LANES = 4;  // of a channel in the gradient, so that a block has at most 32 channels at once
constexpr int MAX_GROUPS = THREADS / MIN_LANES;

__device__ __forceinline__ float softplus_derivative(float x) {
    return x > 20.0f ? 1.0f : sigmoid(x);
}

// `count` numbers (the others zero); `aligned`: count is at least 4 or less than 1, and p is 16-byte aligned.
__device__ __forceinline__ void read_four(float (&v)[WIDTH], const float* p, int count, bool aligned) {
    if (aligned) {
        float4 u = count > 0 ? *reinterpret_cast<const float4*>(p) : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
        v[0] = u.x, v[1] = u.y, v[2] = u.z, v[3] = u.w;
    } else {
#pragma unroll
        for (int i = 0; i < WIDTH; i++) v[i] = i < count ? p[i] : 0.0f;
    }
}

__device__ __forceinline__ void write_four(float* p, const float (&v)[WIDTH], int count, bool aligned) {
    if (aligned) {
        if (count > 0) *reinterpret_cast<float4*>(p) = make_float4(v[0], v[1], v[2], v[3]);
    } else {
#pragma unroll
        for (int i = 0; i < WIDTH; i++) {
            if (i < count) p[i] = v[i];
        }
    }
}

// What a lane of the loops over time works on.
struct Lane {
    int n, count, c, b; // first n, how many of them there are, channel, sequence
    bool valid, leads, aligned;

    __device__ Lane(int n0, int lanes, int tasks, int channels, int d_state) {
        int task = static_cast<int>(blockIdx.x) * (THREADS / lanes) + static_cast<int>(threadIdx.x) / lanes;
        int lane = static_cast<int>(threadIdx.x) % lanes;
        valid = task < tasks; // other lanes go along for the shuffles
        task = valid ? task : 0;
        n = n0 + WIDTH * lane;
        count = valid ? d_state - n : 0;
        c = task % channels;
        b = task / channels;
        leads = valid && lane == 0;
        aligned = d_state % WIDTH == 0;
    }
};

// ---- forward ---------------------------------------------------------------------------------------------------------------

// y, last and starts may be null. starts[b, chunk, c, n]: states at the starts of chunks. `lanes`: a power of two up to 32, of a channel.
extern "C" __global__ void selective_scan_f32(float* y, float* last, float* starts, const float* x, const float* delta,
                                              const float* delta_bias, const float* a_log, const float* b_mat, const float* c_mat,
                                              const float* d, const float* initial, int n0, int lanes, int tasks, int length,
                                              int channels, int d_state) {
    Lane at(n0, lanes, tasks, channels, d_state);
    size_t state_at = (static_cast<size_t>(at.b) * channels + at.c) * d_state + at.n;
    float state[WIDTH] = {}, a[WIDTH];
    if (initial != nullptr) read_four(state, initial + state_at, at.count, at.aligned);
    read_four(a, a_log + static_cast<size_t>(at.c) * d_state + at.n, at.count, at.aligned);
#pragma unroll
    for (int i = 0; i < WIDTH; i++) a[i] = -expf(a[i]);
    float bias = delta_bias == nullptr ? 0.0f : delta_bias[at.c];
    float skip = d == nullptr ? 0.0f : d[at.c];
    int chunks = (length + CHUNK - 1) / CHUNK;
    for (int t0 = 0; t0 < length; t0 += AHEAD) {
        if (starts != nullptr && t0 % CHUNK == 0) {
            size_t to = ((static_cast<size_t>(at.b) * chunks + t0 / CHUNK) * channels + at.c) * d_state + at.n;
            write_four(starts + to, state, at.count, at.aligned);
        }
        float xs[AHEAD], deltas[AHEAD], bs[AHEAD][WIDTH], cs[AHEAD][WIDTH];
#pragma unroll
        for (int k = 0; k < AHEAD; k++) {
            size_t row = static_cast<size_t>(at.b) * length + t0 + k;
            bool valid = at.valid && t0 + k < length;
            xs[k] = valid ? x[row * channels + at.c] : 0.0f;
            deltas[k] = valid ? delta[row * channels + at.c] : 0.0f;
            read_four(bs[k], b_mat + row * d_state + at.n, valid ? at.count : 0, at.aligned);
            read_four(cs[k], c_mat + row * d_state + at.n, valid ? at.count : 0, at.aligned);
        }
#pragma unroll
        for (int k = 0; k < AHEAD; k++) {
            if (t0 + k < length) { // the same for all
                float step = softplus(deltas[k] + bias);
                float input = step * xs[k];
                float sum = 0.0f;
#pragma unroll
                for (int i = 0; i < WIDTH; i++) {
                    state[i] = fmaf(expf(step * a[i]), state[i], input * bs[k][i]);
                    sum = fmaf(state[i], cs[k][i], sum);
                }
                for (int other = lanes / 2; other > 0; other /= 2) sum += __shfl_xor_sync(FULL_WARP, sum, other);
                if (at.leads && y != nullptr) {
                    float* to = y + (static_cast<size_t>(at.b) * length + t0 + k) * channels + at.c;
                    *to = sum + (n0 == 0 ? skip * xs[k] : *to);
                }
            }
        }
    }
    if (last != nullptr) write_four(last + state_at, state, at.count, at.aligned);
}

// ---- backward --------------------------------------------------------------------------------------------------------------

// ends[b, chunk, c, n] = gradient of the state at the end of each chunk; d_initial (may be null): of the one before all.
extern "C" __global__ void selective_carry_f32(float* ends, float* d_initial, const float* d_last, const float* dy, const float* delta,
                                               const float* delta_bias, const float* a_log, const float* c_mat, int n0, int lanes,
                                               int tasks, int length, int channels, int d_state) {
    Lane at(n0, lanes, tasks, channels, d_state);
    size_t state_at = (static_cast<size_t>(at.b) * channels + at.c) * d_state + at.n;
    float gradient[WIDTH] = {}, a[WIDTH];
    if (d_last != nullptr) read_four(gradient, d_last + state_at, at.count, at.aligned);
    read_four(a, a_log + static_cast<size_t>(at.c) * d_state + at.n, at.count, at.aligned);
#pragma unroll
    for (int i = 0; i < WIDTH; i++) a[i] = -expf(a[i]);
    float bias = delta_bias == nullptr ? 0.0f : delta_bias[at.c];
    int chunks = (length + CHUNK - 1) / CHUNK;
    for (int t0 = (length - 1) / AHEAD * AHEAD; t0 >= 0 && length > 0; t0 -= AHEAD) {
        if ((t0 + AHEAD) % CHUNK == 0 || t0 + AHEAD >= length) {
            size_t to = ((static_cast<size_t>(at.b) * chunks + t0 / CHUNK) * channels + at.c) * d_state + at.n;
            write_four(ends + to, gradient, at.count, at.aligned);
        }
        float dys[AHEAD], deltas[AHEAD], cs[AHEAD][WIDTH];
#pragma unroll
        for (int k = 0; k < AHEAD; k++) {
            size_t row = static_cast<size_t>(at.b) * length + t0 + k;
            bool valid = at.valid && t0 + k < length;
            dys[k] = valid ? dy[row * channels + at.c] : 0.0f;
            deltas[k] = valid ? delta[row * channels + at.c] : 0.0f;
            read_four(cs[k], c_mat + row * d_state + at.n, valid ? at.count : 0, at.aligned);
        }
#pragma unroll
        for (int k = AHEAD - 1; k >= 0; k--) {
            if (t0 + k < length) {
                float step = softplus(deltas[k] + bias);
#pragma unroll
                for (int i = 0; i < WIDTH; i++) {
                    gradient[i] = expf(step * a[i]) * fmaf(dys[k], cs[k][i], gradient[i]);
                }
            }
        }
    }
    if (d_initial != nullptr) write_four(d_initial + state_at, gradient, at.count, at.aligned);
}

// dx, ddelta (either may be null), db, dc [block, b, t, n] (either may be null) of the channels of a block; da_log[b, chunk, c, n] takes
// the place of `starts`; dbias and dskip [b, chunk, c]. `lanes`: a power of two from MIN_LANES to 32. A block for each (batch, chunk,
// `sets` times THREADS / lanes channels).
extern "C" __global__ void selective_gradient_f32(float* dx, float* ddelta, float* db, float* dc, float* starts, float* dbias, float* dskip, const float* ends,
                           const float* dy, const float* x, const float* delta, const float* delta_bias, const float* a_log,
                           const float* b_mat, const float* c_mat, const float* d, int n0, int lanes, int sets, int batch, int length,
                           int channels, int d_state) {
    __shared__ float bs[CHUNK][WARP], cs[CHUNK][WARP];
    // Of each channel of the set and element of the chunk.
    __shared__ float steps[MAX_GROUPS][CHUNK], xs[MAX_GROUPS][CHUNK], dys[MAX_GROUPS][CHUNK];
    __shared__ float of_input[MAX_GROUPS][CHUNK], of_step[MAX_GROUPS][CHUNK];
    __shared__ float sums[THREADS / WARP][CHUNK][WARP];
    int thread = static_cast<int>(threadIdx.x);
    int groups = THREADS / lanes;
    int group = thread / lanes, lane = thread % lanes;
    int chunks = (length + CHUNK - 1) / CHUNK;
    int blocks = (channels + sets * groups - 1) / (sets * groups);
    int block = static_cast<int>(blockIdx.x) % blocks;
    int of_chunk = static_cast<int>(blockIdx.x) / blocks; // batch and chunk
    int b = of_chunk / chunks, t0 = of_chunk % chunks * CHUNK;
    int count = min(CHUNK, length - t0);
    int n = n0 + lane;
    size_t row0 = static_cast<size_t>(b) * length + t0;
    for (int i = thread; i < CHUNK * lanes; i += THREADS) {
        int t = i / lanes, k = i % lanes;
        bool valid = t < count && n0 + k < d_state;
        bs[t][k] = valid ? b_mat[(row0 + t) * d_state + n0 + k] : 0.0f;
        cs[t][k] = valid ? c_mat[(row0 + t) * d_state + n0 + k] : 0.0f;
    }
    float of_b[CHUNK], of_c[CHUNK];
#pragma unroll
    for (int t = 0; t < CHUNK; t++) of_b[t] = of_c[t] = 0.0f;
#pragma unroll 1
    for (int set = 0; set < sets; set++) {
        int c0 = (block * sets + set) * groups;
        for (int i = thread; i < groups * CHUNK; i += THREADS) { // neighbour threads: neighbour channels
            int k = i % groups, t = i / groups, c = c0 + k;
            bool valid = c < channels && t < count;
            size_t at = (row0 + t) * channels + c;
            float bias = valid && delta_bias != nullptr ? delta_bias[c] : 0.0f;
            steps[k][t] = valid ? softplus(delta[at] + bias) : 0.0f;
            xs[k][t] = valid ? x[at] : 0.0f;
            dys[k][t] = valid ? dy[at] : 0.0f;
        }
        __syncthreads();
        int c = c0 + group;
        bool valid = c < channels && n < d_state;
        size_t at = (static_cast<size_t>(of_chunk) * channels + c) * d_state + n;
        float a = valid ? -expf(a_log[static_cast<size_t>(c) * d_state + n]) : 0.0f;
        float state = valid ? starts[at] : 0.0f;
        float gradient = valid ? ends[at] : 0.0f;
        float before[CHUNK]; // states
#pragma unroll
        for (int t = 0; t < CHUNK; t++) {
            before[t] = state;
            float step = steps[group][t];
            state = fmaf(expf(step * a), state, step * xs[group][t] * bs[t][lane]);
        }
        float of_a = 0.0f;
#pragma unroll
        for (int t = CHUNK - 1; t >= 0; t--) {
            float step = steps[group][t], dyt = dys[group][t], bt = bs[t][lane];
            float input = step * xs[group][t];
            float keep = expf(step * a);
            gradient = fmaf(dyt, cs[t][lane], gradient);
            of_c[t] = fmaf(dyt, fmaf(keep, before[t], input * bt), of_c[t]);
            of_b[t] = fmaf(gradient, input, of_b[t]);
            float of_exponent = gradient * before[t] * keep;
            of_a = fmaf(of_exponent, step, of_a);
            float sum_of_input = gradient * bt, sum_of_step = of_exponent * a;
            gradient *= keep;
            for (int other = lanes / 2; other > 0; other /= 2) {
                sum_of_input += __shfl_xor_sync(FULL_WARP, sum_of_input, other);
                sum_of_step += __shfl_xor_sync(FULL_WARP, sum_of_step, other);
            }
            if (lane == 0) {
                of_input[group][t] = sum_of_input;
                of_step[group][t] = sum_of_step;
            }
        }
        if (valid) starts[at] = of_a * a; // dA / d(a_log) = A
        __syncthreads();
        for (int i = thread; i < groups * CHUNK; i += THREADS) {
            int k = i % groups, t = i / groups, c_of = c0 + k;
            if (c_of < channels && t < count) {
                size_t to = (row0 + t) * channels + c_of;
                float raw = delta[to] + (delta_bias == nullptr ? 0.0f : delta_bias[c_of]);
                float of_raw = fmaf(of_input[k][t], xs[k][t], of_step[k][t]) * softplus_derivative(raw);
                if (ddelta != nullptr) ddelta[to] = of_raw + (n0 == 0 ? 0.0f : ddelta[to]);
                if (dx != nullptr) {
                    float rest = n0 > 0 ? dx[to] : d == nullptr ? 0.0f : d[c_of] * dys[k][t];
                    dx[to] = fmaf(of_input[k][t], steps[k][t], rest);
                }
                of_step[k][t] = of_raw;
            }
        }
        __syncthreads();
        if (thread < groups && c0 + thread < channels) {
            float sum = 0.0f, skip = 0.0f;
            for (int t = 0; t < count; t++) {
                sum += of_step[thread][t];
                skip = fmaf(xs[thread][t], dys[thread][t], skip);
            }
            size_t to = static_cast<size_t>(of_chunk) * channels + c0 + thread;
            dbias[to] = sum + (n0 == 0 ? 0.0f : dbias[to]);
            dskip[to] = skip;
        }
        __syncthreads();
    }
    // Over the channels of a warp, then over warps.
    for (int side = 0; side < 2; side++) {
        float* to = side == 0 ? db : dc;
#pragma unroll
        for (int t = 0; t < CHUNK; t++) {
            float sum = side == 0 ? of_b[t] : of_c[t];
            for (int other = lanes; other < WARP; other *= 2) sum += __shfl_xor_sync(FULL_WARP, sum, other);
            if (thread % WARP < lanes) sums[thread / WARP][t][lane] = sum;
        }
        __syncthreads();
        for (int i = thread; i < CHUNK * lanes && to != nullptr; i += THREADS) {
            int t = i / lanes, k = i % lanes;
            if (t < count && n0 + k < d_state) {
                float sum = (sums[0][t][k] + sums[1][t][k]) + (sums[2][t][k] + sums[3][t][k]);
                to[((static_cast<size_t>(block) * batch * length) + row0 + t) * d_state + n0 + k] = sum;
            }
        }
        __syncthreads();
    }
}

// out[c] = sum of column c of x (rows, columns). Blocks of 32 x 8 threads, one for 32 columns.
extern "C" __global__ void selective_sum_f32(float* out, const float* x, int rows, int columns) {
    __shared__ float sums[8][WARP];
    int c = static_cast<int>(blockIdx.x) * WARP + static_cast<int>(threadIdx.x);
    float sum = 0.0f;
    if (c < columns) {
        for (int r = static_cast<int>(threadIdx.y); r < rows; r += 8) sum += x[static_cast<size_t>(r) * columns + c];
    }
    sums[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y == 0 && c < columns) {
        for (int i = 1; i < 8; i++) sum += sums[i][threadIdx.x];
        out[c] = sum;
    }
}
