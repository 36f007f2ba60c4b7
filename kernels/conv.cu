// Convolutions over NCHW, their gradients, and nearest-neighbour upsampling.
//
//   y(n, o, i, j) = bias(o) + sum over c, u, v of w(o, c, u, v) x(n, c, i stride + u - pad_top, j stride + v - pad_left)
//
// A convolution is the product of the filters (outs, depth) with patches (pixels of the batch, depth), depth being channels x
// taps: conv.cuh, through the tiles of tile.cuh, instantiated for each precision in conv_<precision>.cu (a backend loads one of
// them). The patches are never stored. Instead this file first packs the pictures with their channels innermost, and the
// filters likewise:
//  - Each element is read under 9 taps (3 x 3) and by each tile of output channels. Packed, a patch is read in pieces of four
//    channels, 16 bytes, aligned wherever the tap is; in NCHW neighbouring pixels would have to be read one by one, as a tap's
//    shift leaves no alignment. What is outside a picture is read from four zeros behind the pictures: no branch in the loop.
//  - normSiluConv2d normalises while it packs, once for each element instead of 9 or more times: an exponential and a division
//    cost more there than the pass over memory does.
//  - BF16 packs bf16, which halves what is read; the others pack f32. (BF16X3 would need as much for its two halves.)
//  - A sum goes through all taps of 32 channels before the next 32, so what the taps of a tile share comes from the L1 cache:
//    three rows of 32 channels each, 48 KB for 128 pixels.
//  - upsampleConv2d packs the small picture and halves coordinates when it reads.
// Packed pictures take as much memory as the input; batches that would take more than 1 GB are computed in parts.
//
// Forward and backward to the input are one kernel. The gradient of x with stride s is s^2 convolutions of dy with stride 1,
// one for each phase of pixels (row % s, column % s) with those taps that reach it, instead of one with zeros in between.
// Backward to the filters is a product whose depth is the pixels of the batch: split into runs of at most 16384 pixels that are
// summed in f64 at the end, for there are few tiles and a long f32 sum loses digits.
// Up to four output channels (a picture's colours) a tile would be nearly empty: those are direct f32 sums in every precision.
//
// Geometry: a block has a tile of 128 x 128 (channels x pixels), or of 64 x 64 where the large ones are too few for all
// multiprocessors, and always in F32. The grid has one dimension with the tiles of output channels innermost, so that blocks that
// run together read the same pixels; the filters' gradient has its splits in y. Shared memory: what tile.cuh takes, up to 34 KB.
//
// Bits: sums have a fixed order, which does not depend on the batch but in the gradients of filters and bias. The fused variants
// have the bits of one operation after the other in all precisions, as each packs the same numbers.
// Limits: fewer than 2^31 elements in a packed picture.
//
// Reference: cpu/ScalarConvKernels.java.
#include "conv_packed.cuh"

constexpr int THREADS = 256;

// ---- packing ------------------------------------------------------------------------------------------------------------------

// As norm.cu computes it, so that the fused convolution has the bits of one operation after the other.
__device__ __forceinline__ float norm_silu(float x, float mean, float inverse, float weight, float bias) {
    return silu(fmaf((x - mean) * inverse, weight, bias));
}

constexpr int PACK_CHANNELS = 64;
constexpr int PACK_PIXELS = 32;

// Pictures from `first` on, NCHW, to (pictures, pixels, padded), zeros in the channels behind; normalised before if there are
// statistics. Behind them four zeros, for what is outside a picture. Grid: pixels / 32, padded / 64, pictures; 32 x 8 threads.
template <class T>
__device__ __forceinline__ void pack_pictures(T* packed, const float* x, const float* stats, const float* norm_weight,
                                              const float* norm_bias, int channels_of_group, int channels, int padded, int area,
                                              int first) {
    __shared__ float tile[PACK_CHANNELS][PACK_PIXELS + 1];
    __shared__ float4 norms[PACK_CHANNELS];
    int tx = static_cast<int>(threadIdx.x), ty = static_cast<int>(threadIdx.y);
    int p0 = static_cast<int>(blockIdx.x) * PACK_PIXELS;
    int c0 = static_cast<int>(blockIdx.y) * PACK_CHANNELS;
    int n = static_cast<int>(blockIdx.z);
    const float* picture = x + static_cast<size_t>(first + n) * channels * area + p0 + tx;
    float v[PACK_CHANNELS / 8];
#pragma unroll
    for (int r = 0; r < PACK_CHANNELS / 8; r++) {
        int c = c0 + ty + 8 * r;
        v[r] = c < channels && p0 + tx < area ? picture[static_cast<size_t>(c) * area] : 0.0f;
    }
    if (stats != nullptr) {
        int t = ty * WARP + tx;
        if (t < PACK_CHANNELS && c0 + t < channels) {
            const float* s = stats + 2 * (((first + n) * channels + c0 + t) / channels_of_group);
            norms[t] = make_float4(s[0], s[1], norm_weight[c0 + t], norm_bias[c0 + t]);
        }
        __syncthreads();
#pragma unroll
        for (int r = 0; r < PACK_CHANNELS / 8; r++) {
            if (c0 + ty + 8 * r < channels) {
                float4 f = norms[ty + 8 * r];
                v[r] = norm_silu(v[r], f.x, f.y, f.z, f.w);
            }
        }
    }
#pragma unroll
    for (int r = 0; r < PACK_CHANNELS / 8; r++) tile[ty + 8 * r][tx] = v[r];
    __syncthreads();
    if (blockIdx.x == 0 && blockIdx.y == 0 && n == 0 && ty == 0 && tx < 2) {
        store_packed(packed + static_cast<size_t>(gridDim.z) * area * padded + 2 * tx, 0.0f, 0.0f);
    }
    int c = c0 + 2 * tx;
#pragma unroll
    for (int r = ty; r < PACK_PIXELS; r += 8) {
        int p = p0 + r;
        if (p < area && c < padded) {
            store_packed(packed + (static_cast<size_t>(n) * area + p) * padded + c, tile[2 * tx][r], tile[2 * tx + 1][r]);
        }
    }
}

extern "C" __global__ void conv_pack_pictures_f32(float* packed, const float* x, const float* stats, const float* norm_weight,
                                                  const float* norm_bias, int channels_of_group, int channels, int padded,
                                                  int area, int first) {
    pack_pictures(packed, x, stats, norm_weight, norm_bias, channels_of_group, channels, padded, area, first);
}

extern "C" __global__ void conv_pack_pictures_bf16(bf16* packed, const float* x, const float* stats, const float* norm_weight,
                                                   const float* norm_bias, int channels_of_group, int channels, int padded,
                                                   int area, int first) {
    pack_pictures(packed, x, stats, norm_weight, norm_bias, channels_of_group, channels, padded, area, first);
}

// Filters to packed ones; rows are the channels of the result, `channels` those that are summed over, and their strides in w say
// which of the two is which. Of the taps each `step`th, from (u0, v0) on. Grid: rows * line / THREADS.
template <class T>
__device__ __forceinline__ void pack_filters(T* packed, const float* w, int row_stride, int channel_stride, int rows, int line,
                                             int channels, int padded, int taps_down, int taps_across, int kernel_width, int u0,
                                             int v0, int step, int offset) {
    int q = 2 * (static_cast<int>(blockIdx.x) * THREADS + static_cast<int>(threadIdx.x));
    if (q < rows * line) {
        int row = q / line, k = q - row * line;
        int run = run_of(padded), taps = taps_down * taps_across;
        int runs_and_taps = k / run;
        int at_run = runs_and_taps / taps, tap = runs_and_taps - at_run * taps;
        int down = tap / taps_across, across = tap - down * taps_across;
        int c = at_run * run + k - runs_and_taps * run;
        const float* from = w + row * row_stride + (u0 + down * step) * kernel_width + v0 + across * step;
        store_packed(packed + offset + q, c < channels ? from[c * channel_stride] : 0.0f,
                     c + 1 < channels ? from[(c + 1) * channel_stride] : 0.0f);
    }
}

extern "C" __global__ void conv_pack_filters_f32(float* packed, const float* w, int row_stride, int channel_stride, int rows,
                                                 int line, int channels, int padded, int taps_down, int taps_across,
                                                 int kernel_width, int u0, int v0, int step, int offset) {
    pack_filters(packed, w, row_stride, channel_stride, rows, line, channels, padded, taps_down, taps_across, kernel_width, u0,
                 v0, step, offset);
}

extern "C" __global__ void conv_pack_filters_bf16(bf16* packed, const float* w, int row_stride, int channel_stride, int rows,
                                                  int line, int channels, int padded, int taps_down, int taps_across,
                                                  int kernel_width, int u0, int v0, int step, int offset) {
    pack_filters(packed, w, row_stride, channel_stride, rows, line, channels, padded, taps_down, taps_across, kernel_width, u0,
                 v0, step, offset);
}

// dw (outs, channels, taps) from the sums of the splits, each (outs, runs, taps, channels of a run).
extern "C" __global__ void conv_weight_sum_f32(float* dw, const float* partial, int splits, int outs, int channels, int padded,
                                               int taps) {
    int q = static_cast<int>(blockIdx.x) * THREADS + static_cast<int>(threadIdx.x);
    int n = outs * taps * padded;
    if (q < n) {
        int run = run_of(padded);
        int rest = q / run;
        int c = q - rest * run;
        int tap = rest % taps;
        rest /= taps;
        int o = rest / (padded / run);
        c += (rest - o * (padded / run)) * run;
        if (c < channels) {
            double sum = 0.0;
            for (int s = 0; s < splits; s++) sum += partial[static_cast<size_t>(s) * n + q];
            dw[(o * channels + c) * taps + tap] = static_cast<float>(sum);
        }
    }
}

// ---- few output channels: direct sums ---------------------------------------------------------------------------------------

constexpr int DIRECT_OUT = 4;
constexpr int DIRECT_TAPS = 512;
constexpr int DIRECT_CHANNELS = 16; // whose pixels under all taps stay in the L1 cache

// One thread a pixel of `DIRECT_OUT` channels of y, which has `outs` channels of height x width; x has `ins` channels of
// x_height x x_width (before `up` doublings). Backward: y is dx, x is dy. Grid: pixels of the batch / THREADS, outs / DIRECT_OUT.
template <bool backward>
__device__ __forceinline__ void conv_direct(float* y, const float* x, const float* w, const float* bias, const float* residual,
                                            int start, int batch, int outs, int height, int width, int ins, int x_height,
                                            int x_width, int kernel_height, int kernel_width, int stride, int pad_top,
                                            int pad_left, int up) {
    __shared__ float4 filters[DIRECT_TAPS];
    int area = height * width, taps = kernel_height * kernel_width;
    int pixel = static_cast<int>(blockIdx.x) * THREADS + static_cast<int>(threadIdx.x);
    bool inside = pixel < batch * area;
    int n = pixel / area, p = pixel - n * area;
    int i = p / width, j = p - i * width;
    int first = static_cast<int>(blockIdx.y) * DIRECT_OUT;
    int row0 = backward ? i + pad_top : i * stride - pad_top;
    int col0 = backward ? j + pad_left : j * stride - pad_left;
    int source_width = x_width >> up;
    int source_area = (x_height >> up) * source_width;
    const float* picture = x + static_cast<size_t>(inside ? n : 0) * ins * source_area;
    float sum[DIRECT_OUT];
#pragma unroll
    for (int o = 0; o < DIRECT_OUT; o++) sum[o] = bias != nullptr && first + o < outs ? bias[first + o] : 0.0f;

    int channels_at_once = max(1, min(DIRECT_CHANNELS, DIRECT_TAPS / taps));
    int taps_at_once = min(taps, DIRECT_TAPS);
    for (int c0 = 0; c0 < ins; c0 += channels_at_once) {
        int channels = min(channels_at_once, ins - c0);
        for (int t0 = 0; t0 < taps; t0 += taps_at_once) {
            int now = min(taps_at_once, taps - t0);
            __syncthreads();
            for (int q = static_cast<int>(threadIdx.x); q < channels * now; q += THREADS) {
                int c = c0 + q / now, t = t0 + q % now;
                float f[DIRECT_OUT];
#pragma unroll
                for (int o = 0; o < DIRECT_OUT; o++) {
                    size_t at = backward ? static_cast<size_t>(c) * outs + first + o : static_cast<size_t>(first + o) * ins + c;
                    f[o] = first + o < outs ? w[at * taps + t] : 0.0f;
                }
                filters[q] = make_float4(f[0], f[1], f[2], f[3]);
            }
            __syncthreads();
            if (inside) {
                for (int t = 0; t < now; t++) {
                    int u = (t0 + t) / kernel_width, v = (t0 + t) - u * kernel_width;
                    int row = backward ? row0 - u : row0 + u;
                    int col = backward ? col0 - v : col0 + v;
                    bool hit = true;
                    if (backward && stride > 1) {
                        hit = row >= 0 && col >= 0 && row % stride == 0 && col % stride == 0;
                        row /= stride;
                        col /= stride;
                    }
                    if (hit && row >= 0 && row < x_height && col >= 0 && col < x_width) {
                        const float* at = picture + static_cast<size_t>(c0) * source_area;
                        at += (row >> up) * source_width + (col >> up);
                        for (int c = 0; c < channels; c++, at += source_area) {
                            float4 f = filters[c * now + t];
                            float v = *at;
                            sum[0] = fmaf(f.x, v, sum[0]);
                            sum[1] = fmaf(f.y, v, sum[1]);
                            sum[2] = fmaf(f.z, v, sum[2]);
                            sum[3] = fmaf(f.w, v, sum[3]);
                        }
                    }
                }
            }
        }
    }
    if (inside) {
#pragma unroll
        for (int o = 0; o < DIRECT_OUT; o++) {
            if (first + o < outs) {
                size_t at = (static_cast<size_t>(start + n) * outs + first + o) * area + p;
                y[at] = residual != nullptr ? residual[at] + sum[o] : sum[o];
            }
        }
    }
}

extern "C" __global__ void conv_direct_f32(float* y, const float* x, const float* w, const float* bias, const float* residual,
                                           int start, int batch, int outs, int height, int width, int ins, int x_height,
                                           int x_width, int kernel_height, int kernel_width, int stride, int pad_top,
                                           int pad_left, int up) {
    conv_direct<false>(y, x, w, bias, residual, start, batch, outs, height, width, ins, x_height, x_width, kernel_height,
                       kernel_width, stride, pad_top, pad_left, up);
}

extern "C" __global__ void conv_direct_backward_f32(float* dx, const float* dy, const float* w, int batch, int outs, int height,
                                                    int width, int ins, int y_height, int y_width, int kernel_height,
                                                    int kernel_width, int stride, int pad_top, int pad_left) {
    conv_direct<true>(dx, dy, w, nullptr, nullptr, 0, batch, outs, height, width, ins, y_height, y_width, kernel_height,
                      kernel_width, stride, pad_top, pad_left, 0);
}

// ---- gradient of the bias ---------------------------------------------------------------------------------------------------

// partial[o, blockIdx.x]: the sum over one run of the batch's pixels. Grid: runs, channels.
extern "C" __global__ void conv_bias_partial_f32(float* partial, const float* dy, int batch, int channels, int area, int run) {
    __shared__ float scratch[THREADS / WARP];
    int o = static_cast<int>(blockIdx.y);
    int first = static_cast<int>(blockIdx.x) * run;
    int last = min(batch * area, first + run);
    float sum = 0.0f;
    for (int q = first + static_cast<int>(threadIdx.x); q < last; q += THREADS) {
        int n = q / area;
        sum += dy[(static_cast<size_t>(n) * channels + o) * area + (q - n * area)];
    }
    sum = block_sum(sum, scratch);
    if (threadIdx.x == 0) partial[static_cast<size_t>(o) * gridDim.x + blockIdx.x] = sum;
}

// The runs' sums, in f64: one warp a channel.
extern "C" __global__ void conv_bias_f32(float* d_bias, const float* partial, int channels, int runs) {
    int o = static_cast<int>(blockIdx.x) * (THREADS / WARP) + static_cast<int>(threadIdx.x) / WARP;
    int lane = static_cast<int>(threadIdx.x) % WARP;
    double sum = 0.0;
    if (o < channels) {
        for (int r = lane; r < runs; r += WARP) sum += partial[static_cast<size_t>(o) * runs + r];
    }
    sum = warp_sum(sum);
    if (o < channels && lane == 0) d_bias[o] = static_cast<float>(sum);
}

// ---- upsampling -------------------------------------------------------------------------------------------------------------

// One thread a pixel of the small picture: n of them.
extern "C" __global__ void upsample_forward_f32(float* y, const float* x, int n, int width) {
    int q = static_cast<int>(blockIdx.x) * THREADS + static_cast<int>(threadIdx.x);
    if (q < n) {
        int row = q / width, col = q - row * width;
        float v = x[q];
        // Two rows of 2 width begin at row * 4 width: even, so a pair is aligned.
        float2* top = reinterpret_cast<float2*>(y + static_cast<size_t>(row) * 4 * width + 2 * col);
        top[0] = make_float2(v, v);
        top[width] = make_float2(v, v);
    }
}

extern "C" __global__ void upsample_backward_f32(float* dx, const float* dy, int n, int width) {
    int q = static_cast<int>(blockIdx.x) * THREADS + static_cast<int>(threadIdx.x);
    if (q < n) {
        int row = q / width, col = q - row * width;
        const float2* top = reinterpret_cast<const float2*>(dy + static_cast<size_t>(row) * 4 * width + 2 * col);
        float2 a = top[0], b = top[width];
        dx[q] = a.x + a.y + b.x + b.y;
    }
}

// silu(GroupNorm(x)) with known statistics. Grid: area / (4 THREADS), batch * channels.
extern "C" __global__ void norm_silu_f32(float* y, const float* x, const float* stats, const float* weight, const float* bias,
                                         int planes, int channels, int area, int channels_of_group, int first) {
    for (int plane = static_cast<int>(blockIdx.y); plane < planes; plane += static_cast<int>(gridDim.y)) {
        int c = plane % channels;
        const float* s = stats + 2 * (first * channels / channels_of_group + plane / channels_of_group);
        float mean = s[0], inverse = s[1], scale = weight[c], shift = bias[c];
        const float* from = x + static_cast<size_t>(first * channels + plane) * area;
        float* to = y + static_cast<size_t>(plane) * area;
#pragma unroll
        for (int k = 0; k < 4; k++) {
            int i = (static_cast<int>(blockIdx.x) * 4 + k) * THREADS + static_cast<int>(threadIdx.x);
            if (i < area) to[i] = norm_silu(from[i], mean, inverse, scale, shift);
        }
    }
}
