// Mamba-2's recurrence (SSD, Dao and Gu 2024, section 6): recurrent for a few elements, in chunks for sequences, and its gradient.
//
//   d_t = clamp(softplus(dt_t + bias)), A = -exp(a_log), S_t = exp(d_t A) S_{t-1} + d_t x_t B_t^T, y_t = S_t C_t + D x_t
//
// Recurrent (ssd_recurrence): limited by reading and writing the state (batch, H, P, N) once. A group of lanes holds a row of N
// (float4 a lane where possible), four rows at once so that each lane has four loads under way; everything else is fused. The state
// stays in registers over the elements of a call, and each of its elements belongs to one thread: it may be updated in place. States
// are f32 or bf16 in memory, rounded to nearest even when written; the outputs are those of the state before. Chunks take f32 states:
// ssd_widen and ssd_round make these of bf16 before and after.
//
// Chunks of 64 elements. With c_t the sum of d A within the chunk up to and with t, and S the state at the chunk's start:
//
//   y_i   = exp(c_i) S C_i + sum over j <= i of exp(c_i - c_j) d_j (C_i . B_j) x_j + D x_i
//   S_end = exp(c_end) S + sum over j of exp(c_end - c_j) d_j x_j B_j^T
//
//   ssd_steps     d and c, a warp for each chunk of a head
//   ssd_products  C B^T, once for all heads of a group
//   ssd_states    a block carries a 64 x 64 tile of one head's state through the chunks in registers, writing down each start
//   ssd_output    a block for each chunk, head and 64 columns of P
//
// Exponents are differences of sums, so the sums are made in f64 and kept as two f32 numbers: the difference of near sums is exact
// where their exponential is not yet small. All exponents are <= 0.
//
// Gradient. With T = dS_end the gradient of the state at the chunk's end:
//
//   dInput_j = exp(c_end - c_j) T B_j + sum over i >= j of exp(c_i - c_j) (C_i . B_j) dy_i      (gradient of d_j x_j)
//   dC_i     = sum over heads of exp(c_i) dy_i S + sum over j of G_ij B_j
//   dB_j     = sum over heads of exp(c_end - c_j) d_j x_j T + sum over i of G_ij C_i
//   G_ij     = sum over heads of exp(c_i - c_j) d_j dy_i . x_j, j <= i
//
// The gradient of the exponent d_t A is the sum of all terms whose decay spans t. It is summed from the terms that do, never as a
// difference of sums over all terms: with strong decays these would cancel. Sums over heads run inside a block (G: over a few
// slices of the heads), those of parameters over chunks and sequences through partial sums; all orders are fixed.
//
//   ssd_state_gradients  T for each chunk, backwards; ssd_map_gradient  G; ssd_input_gradient  dx, D, part of d
//   ssd_bc_gradient      dB, dC; ssd_step_gradient  d_t, A; ssd_sum, ssd_sum_heads  partial sums
//
// All products are 64 x 64 tiles of a block of 128 threads, 16 deep, double-buffered in 17 KB of shared memory; a warp owns 16 rows
// and rests where these are behind the end or masked, so a last chunk of one element costs a quarter. Operands are weighted and masked
// when they are loaded, in f32; the products themselves are FFMA (8 x 4 a thread) or mma by the precision of the backend.
// States of all chunks are kept in scratch memory, (batch, chunks, H, P, N).
//
// Reference: cpu/ScalarSsmKernels.java.
#include "ssd_sizes.cuh"

constexpr int ROWS = 4; // rows of the state that a group of lanes updates at once

// ---- steps -----------------------------------------------------------------------------------------------------------------

// NaN passes both limits.
__device__ __forceinline__ float limited_step(float raw, float dt_min, float dt_max) {
    float step = softplus(raw);
    return step < dt_min ? dt_min : step > dt_max ? dt_max : step;
}

// Zero where a limit holds the step.
__device__ __forceinline__ float step_derivative(float raw, float dt_min, float dt_max) {
    float step = softplus(raw);
    return step < dt_min || step > dt_max ? 0.0f : raw > 20.0f ? 1.0f : sigmoid(raw);
}

// A sum of exponents as the sum of two f32 numbers.
__device__ __forceinline__ float2 split(double sum) {
    float high = static_cast<float>(sum);
    return make_float2(high, static_cast<float>(sum - high));
}

// step and sums (batch, H, L). One warp for each (batch, chunk, head), two elements a lane.
extern "C" __global__ void ssd_steps_f32(float* step, float2* sums, const float* dt, const float* dt_bias, const float* a_log,
                                         float dt_min, float dt_max, int tasks, int length, int heads) {
    int task = static_cast<int>(blockIdx.x) * (THREADS / WARP) + static_cast<int>(threadIdx.x) / WARP;
    if (task >= tasks) return; // the whole warp
    int lane = static_cast<int>(threadIdx.x) % WARP;
    int chunks = (length + CHUNK - 1) / CHUNK;
    int h = task % heads, c = task / heads % chunks, b = task / heads / chunks;
    float a = -expf(a_log[h]);
    float bias = dt_bias[h];
    int t = c * CHUNK + 2 * lane;
    float d[2] = {0.0f, 0.0f};
    for (int i = 0; i < 2; i++) {
        if (t + i < length) {
            d[i] = limited_step(dt[(static_cast<size_t>(b) * length + t + i) * heads + h] + bias, dt_min, dt_max);
        }
    }
    double first = static_cast<double>(d[0]) * a;
    double both = first + static_cast<double>(d[1]) * a;
    double sum = both; // over the lanes up to this one
    for (int delta = 1; delta < WARP; delta *= 2) {
        double before = __shfl_up_sync(FULL_WARP, sum, delta);
        if (lane >= delta) sum += before;
    }
    size_t at = (static_cast<size_t>(b) * heads + h) * length + t;
    if (t < length) {
        step[at] = d[0];
        sums[at] = split(sum - both + first);
    }
    if (t + 1 < length) {
        step[at + 1] = d[1];
        sums[at + 1] = split(sum);
    }
}

// ---- recurrent ------------------------------------------------------------------------------------------------------------

// `width` neighbouring elements of a state.
template <int width>
__device__ __forceinline__ void load_state(float (&v)[width], const float* from) {
    if constexpr (width == 4) {
        float4 u = *reinterpret_cast<const float4*>(from);
        v[0] = u.x, v[1] = u.y, v[2] = u.z, v[3] = u.w;
    } else {
        v[0] = *from;
    }
}

template <int width>
__device__ __forceinline__ void load_state(float (&v)[width], const bf16* from) {
    if constexpr (width == 4) {
        uint2 u = *reinterpret_cast<const uint2*>(from);
        v[0] = __uint_as_float(u.x << 16), v[1] = __uint_as_float(u.x & 0xffff0000u);
        v[2] = __uint_as_float(u.y << 16), v[3] = __uint_as_float(u.y & 0xffff0000u);
    } else {
        v[0] = bf16_to_float(*from);
    }
}

template <int width>
__device__ __forceinline__ void store_state(float* to, const float (&v)[width]) {
    if constexpr (width == 4) {
        *reinterpret_cast<float4*>(to) = make_float4(v[0], v[1], v[2], v[3]);
    } else {
        *to = v[0];
    }
}

template <int width>
__device__ __forceinline__ void store_state(bf16* to, const float (&v)[width]) {
    if constexpr (width == 4) {
        *reinterpret_cast<uint2*>(to) = make_uint2(pack_bf16(v[0], v[1]), pack_bf16(v[2], v[3]));
    } else {
        *to = float_to_bf16(v[0]);
    }
}

// The recurrence itself for `length` elements: any number if lanes * width >= N, else one. `lanes`: a power of two up to 32, of a
// row of N; a block has THREADS / lanes groups of lanes and ROWS rows for each, `blocks_of_head` blocks a head. width 4: N and H P are
// multiples of 4.
template <int width, class State>
__device__ __forceinline__ void recurrence(float* y, State* last, const float* __restrict__ xbc, const float* __restrict__ dt,
                                           const float* __restrict__ dt_bias, const float* __restrict__ a_log,
                                           const float* __restrict__ d, const State* initial, float dt_min, float dt_max,
                                           int per_channel_d, int lanes, int blocks_of_head, Sizes s) {
    int block = static_cast<int>(blockIdx.x);
    int head = block / blocks_of_head;
    int h = head % s.heads, b = head / s.heads;
    int group = static_cast<int>(threadIdx.x) / lanes, lane = static_cast<int>(threadIdx.x) % lanes;
    int groups = THREADS / lanes;
    int p0 = block % blocks_of_head * groups * ROWS + group; // rows p0 + r * groups
    size_t state_at = head * s.state();
    float bias = dt_bias[h];
    float a = -expf(a_log[h]);
    float state[ROWS][width];
#pragma unroll 1
    for (int t = 0; t < s.length; t++) {
        size_t row = static_cast<size_t>(b) * s.length + t;
        const float* in = xbc + row * s.xbc();
        const float* b_row = in + s.b_offset(s.group_of(h));
        const float* c_row = in + s.c_offset(s.group_of(h));
        float step = limited_step(dt[row * s.heads + h] + bias, dt_min, dt_max);
        float keep = expf(step * a);
        float x[ROWS], sum[ROWS];
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            int p = p0 + r * groups;
            x[r] = p < s.head_dim ? in[h * s.head_dim + p] : 0.0f;
            sum[r] = 0.0f;
        }
#pragma unroll 1
        for (int n = lane * width; n < s.d_state; n += lanes * width) {
            float bs[width], cs[width];
            if (t == 0) {
#pragma unroll
                for (int r = 0; r < ROWS; r++) {
                    int p = p0 + r * groups;
                    bool valid = initial != nullptr && p < s.head_dim;
                    const State* from = initial + state_at + static_cast<size_t>(p) * s.d_state + n;
                    if (valid) {
                        load_state(state[r], from);
                    } else {
#pragma unroll
                        for (int i = 0; i < width; i++) state[r][i] = 0.0f;
                    }
                }
            }
            if constexpr (width == 4) {
                float4 u = *reinterpret_cast<const float4*>(b_row + n);
                float4 v = *reinterpret_cast<const float4*>(c_row + n);
                bs[0] = u.x, bs[1] = u.y, bs[2] = u.z, bs[3] = u.w;
                cs[0] = v.x, cs[1] = v.y, cs[2] = v.z, cs[3] = v.w;
            } else {
                bs[0] = b_row[n];
                cs[0] = c_row[n];
            }
#pragma unroll
            for (int r = 0; r < ROWS; r++) {
                float input = step * x[r];
#pragma unroll
                for (int i = 0; i < width; i++) {
                    state[r][i] = fmaf(keep, state[r][i], input * bs[i]);
                    sum[r] = fmaf(state[r][i], cs[i], sum[r]);
                }
            }
            if (t == s.length - 1 && last != nullptr) {
#pragma unroll
                for (int r = 0; r < ROWS; r++) {
                    int p = p0 + r * groups;
                    State* to = last + state_at + static_cast<size_t>(p) * s.d_state + n;
                    if (p < s.head_dim) store_state(to, state[r]);
                }
            }
        }
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            for (int other = lanes / 2; other > 0; other /= 2) sum[r] += __shfl_xor_sync(FULL_WARP, sum[r], other);
            int p = p0 + r * groups;
            if (lane == 0 && p < s.head_dim) {
                y[row * s.inner() + h * s.head_dim + p] = fmaf(skip_of(d, s, per_channel_d, h, p), x[r], sum[r]);
            }
        }
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, 5) ssd_recurrence_vector_f32(float* y, float* last, const float* xbc, const float* dt, const float* dt_bias,
                                                     const float* a_log, const float* d, const float* initial, float dt_min,
                                                     float dt_max, int per_channel_d, int lanes, int blocks_of_head, int length,
                                                     int heads, int head_dim, int groups, int d_state) {
    recurrence<4>(y, last, xbc, dt, dt_bias, a_log, d, initial, dt_min, dt_max, per_channel_d, lanes, blocks_of_head,
                  {length, heads, head_dim, groups, d_state});
}

extern "C" __global__ void __launch_bounds__(THREADS, 6) ssd_recurrence_scalar_f32(float* y, float* last, const float* xbc, const float* dt, const float* dt_bias,
                                                     const float* a_log, const float* d, const float* initial, float dt_min,
                                                     float dt_max, int per_channel_d, int lanes, int blocks_of_head, int length,
                                                     int heads, int head_dim, int groups, int d_state) {
    recurrence<1>(y, last, xbc, dt, dt_bias, a_log, d, initial, dt_min, dt_max, per_channel_d, lanes, blocks_of_head,
                  {length, heads, head_dim, groups, d_state});
}

extern "C" __global__ void __launch_bounds__(THREADS, 5) ssd_recurrence_vector_bf16(float* y, bf16* last, const float* xbc, const float* dt, const float* dt_bias,
                                                     const float* a_log, const float* d, const bf16* initial, float dt_min,
                                                     float dt_max, int per_channel_d, int lanes, int blocks_of_head, int length,
                                                     int heads, int head_dim, int groups, int d_state) {
    recurrence<4>(y, last, xbc, dt, dt_bias, a_log, d, initial, dt_min, dt_max, per_channel_d, lanes, blocks_of_head,
                  {length, heads, head_dim, groups, d_state});
}

extern "C" __global__ void __launch_bounds__(THREADS, 6) ssd_recurrence_scalar_bf16(float* y, bf16* last, const float* xbc, const float* dt, const float* dt_bias,
                                                     const float* a_log, const float* d, const bf16* initial, float dt_min,
                                                     float dt_max, int per_channel_d, int lanes, int blocks_of_head, int length,
                                                     int heads, int head_dim, int groups, int d_state) {
    recurrence<1>(y, last, xbc, dt, dt_bias, a_log, d, initial, dt_min, dt_max, per_channel_d, lanes, blocks_of_head,
                  {length, heads, head_dim, groups, d_state});
}

// to[i] = from[i], exactly.
extern "C" __global__ void ssd_widen_bf16(float* to, const bf16* from, int n) {
    int i = static_cast<int>(blockIdx.x) * THREADS + static_cast<int>(threadIdx.x);
    if (i < n) to[i] = bf16_to_float(from[i]);
}

// to[i] = from[i], rounded to nearest even.
extern "C" __global__ void ssd_round_bf16(bf16* to, const float* from, int n) {
    int i = static_cast<int>(blockIdx.x) * THREADS + static_cast<int>(threadIdx.x);
    if (i < n) to[i] = float_to_bf16(from[i]);
}

// ---- backward -------------------------------------------------------------------------------------------------------------

// Gradients of the raw steps, and of bias and a_log the sums of each chunk: partial[b, c] = (H of the bias, H of a_log). A warp for each
// (batch, chunk, head), two elements a lane.
extern "C" __global__ void ssd_step_gradient_f32(float* ddt, float* partial, const float* dt, const float* dt_bias,
                                                 const float* a_log, const float* step, const float* terms, const float* within,
                                                 const float* direct, const float* overlap, float dt_min, float dt_max, int batch,
                                                 int length, int heads, int p_tiles, int n_tiles) {
    int chunks = (length + CHUNK - 1) / CHUNK;
    int task = static_cast<int>(blockIdx.x) * (THREADS / WARP) + static_cast<int>(threadIdx.x) / WARP;
    if (task >= batch * chunks * heads) return; // the whole warp
    int lane = static_cast<int>(threadIdx.x) % WARP;
    int h = task % heads, c = task / heads % chunks, b = task / heads / chunks;
    float a = -expf(a_log[h]);
    float bias = dt_bias[h];
    int t = c * CHUNK + 2 * lane;
    size_t at = (static_cast<size_t>(b) * heads + h) * length + t;
    size_t size = static_cast<size_t>(batch) * heads * length;
    double ending[2] = {0.0, 0.0}, starting[2] = {0.0, 0.0}; // terms that end, start at an element
    double of_exponent[2] = {0.0, 0.0};
    float of_step[2] = {0.0f, 0.0f};
    for (int i = 0; i < 2; i++) {
        if (t + i < length) {
            of_exponent[i] = within[at + i];
            for (int n = 0; n < n_tiles; n++) {
                ending[i] += terms[n * size + at + i];
                starting[i] += terms[(n_tiles + n) * size + at + i];
            }
            for (int p = 0; p < p_tiles; p++) of_step[i] += direct[p * size + at + i];
        }
    }
    double both = ending[0] + ending[1], started = starting[0] + starting[1];
    double from = both, up_to = started; // over the lanes from this one on, up to this one
    for (int delta = 1; delta < WARP; delta *= 2) {
        double behind = __shfl_down_sync(FULL_WARP, from, delta);
        double before = __shfl_up_sync(FULL_WARP, up_to, delta);
        if (lane + delta < WARP) from += behind;
        if (lane >= delta) up_to += before;
    }
    double through = 0.0;
    for (int i = 0; i < n_tiles * p_tiles; i++) through += overlap[static_cast<size_t>(i) * batch * chunks * heads + task];
    of_exponent[0] += through + from + (up_to - started);
    of_exponent[1] += through + (from - ending[0]) + (up_to - starting[1]);
    double of_a = 0.0, of_bias = 0.0;
    for (int i = 0; i < 2; i++) {
        if (t + i < length) {
            size_t raw_at = (static_cast<size_t>(b) * length + t + i) * heads + h;
            of_a += of_exponent[i] * step[at + i];
            float of_raw = static_cast<float>(of_step[i] + of_exponent[i] * a) *
                           step_derivative(dt[raw_at] + bias, dt_min, dt_max);
            ddt[raw_at] = of_raw;
            of_bias += of_raw;
        }
    }
    of_a = warp_sum(of_a);
    of_bias = warp_sum(of_bias);
    if (lane == 0) {
        float* to = partial + static_cast<size_t>(task / heads) * 2 * heads;
        to[h] = static_cast<float>(of_bias);
        to[heads + h] = static_cast<float>(of_a * a); // dA / d(a_log) = A
    }
}

// Sums of the columns of partial (rows, columns): the first `first_count` to `first`, the others to `second`. Blocks of 32 x 8
// threads, one for 32 columns.
extern "C" __global__ void ssd_sum_f32(float* first, float* second, const float* partial, int rows, int columns, int first_count) {
    __shared__ float sums[8][WARP];
    int c = static_cast<int>(blockIdx.x) * WARP + static_cast<int>(threadIdx.x);
    float sum = 0.0f;
    if (c < columns) {
        for (int r = static_cast<int>(threadIdx.y); r < rows; r += 8) sum += partial[static_cast<size_t>(r) * columns + c];
    }
    sums[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y == 0 && c < columns) {
        for (int i = 1; i < 8; i++) sum += sums[i][threadIdx.x];
        if (c < first_count) {
            first[c] = sum;
        } else {
            second[c - first_count] = sum;
        }
    }
}

// out[h] = sum of the head_dim numbers of head h. A warp a head.
extern "C" __global__ void ssd_sum_heads_f32(float* out, const float* x, int heads, int head_dim) {
    int h = static_cast<int>(blockIdx.x) * (THREADS / WARP) + static_cast<int>(threadIdx.x) / WARP;
    if (h >= heads) return; // the whole warp
    float sum = 0.0f;
    for (int p = static_cast<int>(threadIdx.x) % WARP; p < head_dim; p += WARP) sum += x[static_cast<size_t>(h) * head_dim + p];
    sum = warp_sum(sum);
    if (threadIdx.x % WARP == 0) out[h] = sum;
}
