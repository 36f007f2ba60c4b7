// Causal depthwise convolution, optionally with silu, and its gradient.
//
//   v_t = bias + sum over m of w[c, m] x[t - width + 1 + m, c], y = v or silu(v); inputs before the start from a state or zero
//
// Limited by memory. A thread has a channel (neighbours in memory belong to neighbour threads) and a run of elements of one
// sequence, whose window it keeps in registers; widths up to 4 are compiled. A run starts by reading width - 1 elements of the one
// before it. The run that starts a sequence reads the state and leaves the new one: nobody else touches it, so decoding, length 1,
// is one kernel that reads and writes each byte once.
//
// Gradient: dv_t = dy_t or dy_t silu'(v_t); dx_t = sum over m of w[m] dv_{t + width - 1 - m}; dw_m = sum of dv_t x_{t - width + 1 + m};
// dBias = sum of dv_t. A run computes dv of its elements and of the width - 1 behind them, dx from the last dv, and partial sums of dw
// and dBias, which conv1d_sum adds in their order. Widths above 4 keep dv in memory between two simple kernels.
//
// Reference: cpu/ScalarSsmKernels.java.
#include "common.cuh"

constexpr int THREADS = 128;
constexpr int UNROLL = 8; // elements whose loads are under way at once

// Of this thread: its channel and the place of its run. blockIdx.x: runs of sequences; blockIdx.y: channels.
struct Run {
    int channel, batch, from, to;

    __device__ Run(int length, int run_length) {
        int runs = (length + run_length - 1) / run_length;
        channel = static_cast<int>(blockIdx.y) * THREADS + static_cast<int>(threadIdx.x);
        batch = static_cast<int>(blockIdx.x) / runs;
        from = static_cast<int>(blockIdx.x) % runs * run_length;
        to = min(length, from + run_length);
    }
};

// ---- forward ---------------------------------------------------------------------------------------------------------------

// run_length at least width - 1.
template <int width>
__device__ __forceinline__ void forward(float* y, const float* __restrict__ x, const float* __restrict__ w,
                                        const float* __restrict__ bias, float* state, int length, int channels, int run_length,
                                        int with_silu) {
    Run run(length, run_length);
    int c = run.channel;
    if (c >= channels) return;
    size_t row0 = static_cast<size_t>(run.batch) * length * channels + c;
    float* own_state = state == nullptr ? nullptr : state + (static_cast<size_t>(run.batch) * channels + c) * width;
    float ws[width], window[width - 1 + UNROLL]; // of inputs before the next element, then those loaded
    float old[width];                            // state
    float first = bias == nullptr ? 0.0f : bias[c];
    bool starts = run.from == 0;
    if constexpr (width == 4) { // a storage starts aligned, so does each row of four
        float4 v = *reinterpret_cast<const float4*>(w + static_cast<size_t>(c) * 4);
        ws[0] = v.x, ws[1] = v.y, ws[2] = v.z, ws[3] = v.w;
        v = starts && state != nullptr ? *reinterpret_cast<const float4*>(own_state) : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
        old[0] = v.x, old[1] = v.y, old[2] = v.z, old[3] = v.w;
    } else {
#pragma unroll
        for (int m = 0; m < width; m++) {
            ws[m] = w[static_cast<size_t>(c) * width + m];
            old[m] = starts && state != nullptr ? own_state[m] : 0.0f;
        }
    }
#pragma unroll
    for (int m = 0; m < width - 1; m++) {
        window[m] = starts ? old[m + 1] : x[row0 + static_cast<size_t>(run.from - width + 1 + m) * channels];
    }
    for (int t = run.from; t < run.to; t += UNROLL) {
#pragma unroll
        for (int i = 0; i < UNROLL; i++) {
            window[width - 1 + i] = t + i < run.to ? x[row0 + static_cast<size_t>(t + i) * channels] : 0.0f;
        }
#pragma unroll
        for (int i = 0; i < UNROLL; i++) {
            float v = first;
#pragma unroll
            for (int m = 0; m < width; m++) v = fmaf(ws[m], window[i + m], v);
            if (t + i < run.to) y[row0 + static_cast<size_t>(t + i) * channels] = with_silu ? silu(v) : v;
        }
#pragma unroll
        for (int m = 0; m < width - 1; m++) window[m] = window[UNROLL + m];
    }
    if (starts && state != nullptr) {
        float last[width];
#pragma unroll
        for (int m = 0; m < width; m++) {
            int t = length - width + m;
            float v = 0.0f;
            if (t >= 0) {
                v = x[row0 + static_cast<size_t>(t) * channels];
            } else {
#pragma unroll
                for (int i = m + 1; i < width; i++) v = t + width == i ? old[i] : v;
            }
            last[m] = v;
        }
        if constexpr (width == 4) {
            *reinterpret_cast<float4*>(own_state) = make_float4(last[0], last[1], last[2], last[3]);
        } else {
#pragma unroll
            for (int m = 0; m < width; m++) own_state[m] = last[m];
        }
    }
}

extern "C" __global__ void conv1d_forward_1_f32(float* y, const float* x, const float* w, const float* bias, float* state, int length,
                                                int channels, int run_length, int with_silu) {
    forward<1>(y, x, w, bias, state, length, channels, run_length, with_silu);
}

extern "C" __global__ void conv1d_forward_2_f32(float* y, const float* x, const float* w, const float* bias, float* state, int length,
                                                int channels, int run_length, int with_silu) {
    forward<2>(y, x, w, bias, state, length, channels, run_length, with_silu);
}

extern "C" __global__ void conv1d_forward_3_f32(float* y, const float* x, const float* w, const float* bias, float* state, int length,
                                                int channels, int run_length, int with_silu) {
    forward<3>(y, x, w, bias, state, length, channels, run_length, with_silu);
}

extern "C" __global__ void conv1d_forward_4_f32(float* y, const float* x, const float* w, const float* bias, float* state, int length,
                                                int channels, int run_length, int with_silu) {
    forward<4>(y, x, w, bias, state, length, channels, run_length, with_silu);
}

// v_t with the inputs before the start from `state` (may be null).
__device__ __forceinline__ float convolve(const float* x, const float* w, float first, const float* state, int t, int channels,
                                          int width) {
    float v = first;
    for (int m = 0; m < width; m++) {
        int at = t - width + 1 + m;
        float in = at >= 0 ? x[static_cast<size_t>(at) * channels] : state == nullptr ? 0.0f : state[width + at];
        v = fmaf(w[m], in, v);
    }
    return v;
}

// Any width. run_length at least width - 1.
extern "C" __global__ void conv1d_forward_wide_f32(float* y, const float* x, const float* w, const float* bias, float* state, int length,
                                                   int channels, int width, int run_length, int with_silu) {
    Run run(length, run_length);
    int c = run.channel;
    if (c >= channels) return;
    size_t row0 = static_cast<size_t>(run.batch) * length * channels + c;
    const float* own_w = w + static_cast<size_t>(c) * width;
    float* own_state = state == nullptr ? nullptr : state + (static_cast<size_t>(run.batch) * channels + c) * width;
    float first = bias == nullptr ? 0.0f : bias[c];
    for (int t = run.from; t < run.to; t++) {
        float v = convolve(x + row0, own_w, first, run.from == 0 ? own_state : nullptr, t, channels, width);
        y[row0 + static_cast<size_t>(t) * channels] = with_silu ? silu(v) : v;
    }
    if (run.from == 0 && state != nullptr) {
        for (int m = 0; m < width; m++) { // reads ahead of what it writes
            int t = length - width + m;
            own_state[m] = t >= 0 ? x[row0 + static_cast<size_t>(t) * channels] : own_state[t + width];
        }
    }
}

// ---- backward --------------------------------------------------------------------------------------------------------------

__device__ __forceinline__ float silu_derivative(float v) {
    float s = sigmoid(v);
    return s * (1.0f + v * (1.0f - s));
}

// dx (may be null) and partial[run] = (dw (channels, width), dBias (channels)) (may be null). run_length at least width - 1.
template <int width>
__device__ __forceinline__ void backward(float* dx, float* partial, const float* __restrict__ dy, const float* __restrict__ x,
                                         const float* __restrict__ w, const float* __restrict__ bias, int length, int channels,
                                         int run_length, int with_silu) {
    constexpr int STEP = 4; // elements whose loads are under way at once
    Run run(length, run_length);
    int c = run.channel;
    if (c >= channels) return;
    size_t row0 = static_cast<size_t>(run.batch) * length * channels + c;
    float ws[width], dw[width], db = 0.0f;
    float window[width - 1 + STEP]; // x
    float dvs[width - 1 + STEP];
    float first = bias == nullptr ? 0.0f : bias[c];
#pragma unroll
    for (int m = 0; m < width; m++) {
        ws[m] = w[static_cast<size_t>(c) * width + m];
        dw[m] = 0.0f;
    }
#pragma unroll
    for (int m = 0; m < width - 1; m++) {
        int t = run.from - width + 1 + m;
        window[m] = t >= 0 ? x[row0 + static_cast<size_t>(t) * channels] : 0.0f;
        dvs[m] = 0.0f; // only dx before the run depends on these
    }
    for (int t = run.from; t < run.to + width - 1; t += STEP) {
        float dys[STEP];
#pragma unroll
        for (int i = 0; i < STEP; i++) {
            bool valid = t + i < min(length, run.to + width - 1);
            size_t at = row0 + static_cast<size_t>(t + i) * channels;
            window[width - 1 + i] = valid ? x[at] : 0.0f;
            dys[i] = valid ? dy[at] : 0.0f;
        }
#pragma unroll
        for (int i = 0; i < STEP; i++) {
            float dv = dys[i];
            if (with_silu) {
                float v = first;
#pragma unroll
                for (int m = 0; m < width; m++) v = fmaf(ws[m], window[i + m], v);
                dv = t + i < length ? dv * silu_derivative(v) : 0.0f;
            }
            dvs[width - 1 + i] = dv;
            if (t + i < run.to) {
                db += dv;
#pragma unroll
                for (int m = 0; m < width; m++) dw[m] = fmaf(dv, window[i + m], dw[m]);
            }
            int to = t + i - width + 1;
            if (dx != nullptr && to >= run.from && to < run.to) {
                float sum = 0.0f;
#pragma unroll
                for (int m = 0; m < width; m++) sum = fmaf(ws[m], dvs[i + width - 1 - m], sum);
                dx[row0 + static_cast<size_t>(to) * channels] = sum;
            }
        }
#pragma unroll
        for (int m = 0; m < width - 1; m++) {
            window[m] = window[STEP + m];
            dvs[m] = dvs[STEP + m];
        }
    }
    if (partial != nullptr) {
        float* to = partial + static_cast<size_t>(blockIdx.x) * channels * (width + 1);
#pragma unroll
        for (int m = 0; m < width; m++) to[static_cast<size_t>(c) * width + m] = dw[m];
        to[static_cast<size_t>(channels) * width + c] = db;
    }
}

extern "C" __global__ void conv1d_backward_1_f32(float* dx, float* partial, const float* dy, const float* x, const float* w,
                                                 const float* bias, int length, int channels, int run_length, int with_silu) {
    backward<1>(dx, partial, dy, x, w, bias, length, channels, run_length, with_silu);
}

extern "C" __global__ void conv1d_backward_2_f32(float* dx, float* partial, const float* dy, const float* x, const float* w,
                                                 const float* bias, int length, int channels, int run_length, int with_silu) {
    backward<2>(dx, partial, dy, x, w, bias, length, channels, run_length, with_silu);
}

extern "C" __global__ void conv1d_backward_3_f32(float* dx, float* partial, const float* dy, const float* x, const float* w,
                                                 const float* bias, int length, int channels, int run_length, int with_silu) {
    backward<3>(dx, partial, dy, x, w, bias, length, channels, run_length, with_silu);
}

extern "C" __global__ void conv1d_backward_4_f32(float* dx, float* partial, const float* dy, const float* x, const float* w,
                                                 const float* bias, int length, int channels, int run_length, int with_silu) {
    backward<4>(dx, partial, dy, x, w, bias, length, channels, run_length, with_silu);
}

// Any width: dv.
extern "C" __global__ void conv1d_output_gradient_f32(float* dv, const float* dy, const float* x, const float* w, const float* bias,
                                                      int length, int channels, int width, int run_length, int with_silu) {
    Run run(length, run_length);
    int c = run.channel;
    if (c >= channels) return;
    size_t row0 = static_cast<size_t>(run.batch) * length * channels + c;
    float first = bias == nullptr ? 0.0f : bias[c];
    for (int t = run.from; t < run.to; t++) {
        size_t at = row0 + static_cast<size_t>(t) * channels;
        float d = dy[at];
        if (with_silu) {
            d *= silu_derivative(convolve(x + row0, w + static_cast<size_t>(c) * width, first, nullptr, t, channels, width));
        }
        dv[at] = d;
    }
}

// Any width: dx and partial as above, from dv.
extern "C" __global__ void conv1d_backward_wide_f32(float* dx, float* partial, const float* dv, const float* x, const float* w,
                                                    int length, int channels, int width, int run_length) {
    Run run(length, run_length);
    int c = run.channel;
    if (c >= channels) return;
    size_t row0 = static_cast<size_t>(run.batch) * length * channels + c;
    for (int t = run.from; t < run.to && dx != nullptr; t++) {
        float sum = 0.0f;
        for (int m = max(0, t + width - length); m < width; m++) {
            sum = fmaf(w[static_cast<size_t>(c) * width + m], dv[row0 + static_cast<size_t>(t + width - 1 - m) * channels], sum);
        }
        dx[row0 + static_cast<size_t>(t) * channels] = sum;
    }
    if (partial != nullptr) {
        float* to = partial + static_cast<size_t>(blockIdx.x) * channels * (width + 1);
        for (int m = 0; m <= width; m++) { // the bias sees ones
            float sum = 0.0f;
            for (int t = run.from; t < run.to; t++) {
                int at = t - width + 1 + m;
                float in = m == width ? 1.0f : at >= 0 ? x[row0 + static_cast<size_t>(at) * channels] : 0.0f;
                sum = fmaf(dv[row0 + static_cast<size_t>(t) * channels], in, sum);
            }
            to[m == width ? static_cast<size_t>(channels) * width + c : static_cast<size_t>(c) * width + m] = sum;
        }
    }
}

// dw and dBias (either may be null) from the partial sums of `runs` runs. Blocks of 32 x 8 threads, one for 32 columns.
extern "C" __global__ void conv1d_sum_f32(float* dw, float* dbias, const float* partial, int runs, int channels, int width) {
    __shared__ float sums[8][WARP];
    int columns = channels * (width + 1);
    int c = static_cast<int>(blockIdx.x) * WARP + static_cast<int>(threadIdx.x);
    float sum = 0.0f;
    if (c < columns) {
        for (int r = static_cast<int>(threadIdx.y); r < runs; r += 8) sum += partial[static_cast<size_t>(r) * columns + c];
    }
    sums[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y == 0 && c < columns) {
        for (int i = 1; i < 8; i++) sum += sums[i][threadIdx.x];
        float* to = c < channels * width ? dw : dbias;
        if (to != nullptr) to[c < channels * width ? c : c - channels * width] = sum;
    }
}
