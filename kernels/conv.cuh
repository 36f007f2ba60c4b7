// Convolutions as matrix products, for the files that instantiate them: see conv.cu.
#pragma once

#include "conv_packed.cuh"
#include "tile.cuh"

// ---- division -----------------------------------------------------------------------------------------------------------------

// Quotients by a number that is the same in all threads, exact for 0 <= n < 2^31: a product and a shift. With l = ceil(log2 d),
// magic is 2^(31 + l) / d and at most 1 more, which makes an error below n / 2^31 / d < 1 / d.
struct Divisor {
    unsigned magic;
    int shift;

    explicit __device__ __forceinline__ Divisor(int d) {
        shift = 31 + (d > 1 ? 32 - __clz(d - 1) : 0);
        magic = static_cast<unsigned>((1ull << shift) / static_cast<unsigned>(d) + 1);
    }

    __device__ __forceinline__ int quotient(int n) const {
        return static_cast<int>(static_cast<unsigned long long>(static_cast<unsigned>(n)) * magic >> shift);
    }
};

// Elements of packed pictures and filters: what the product will round to anyway, or f32.
template <Precision P>
using Packed = std::conditional_t<P == Precision::BF16, bf16, float>;

// ---- forward, and backward to the input ---------------------------------------------------------------------------------------

// Packed filters. Rows outside read the last one.
template <class T>
struct Filters {
    static constexpr bool ALONG_K = true;
    const T* w;
    int rows, line;

    struct Cursor {
        const T* row;
    };

    __device__ __forceinline__ Cursor at(int row) const { return {w + min(row, rows - 1) * line}; }

    __device__ __forceinline__ void load4(float (&v)[4], const Cursor& c, int k) const { load_packed(v, c.row + k); }
};

constexpr int OUTSIDE = -(1 << 29); // a row or column that no tap moves into a picture

// Patches of packed pictures: rows are pixels of the result, columns (run of channels, tap down, tap across, channel of the run).
template <class T>
struct Patches {
    static constexpr bool ALONG_K = true;
    const T* x;
    int pixels, depth;
    int width;                                  // of the result
    int x_height, x_width, up, channels;        // of the pictures; height and width after doublings
    int taps_across, in_step, row0, col0, tap_step;
    int area, x_size;                           // pixels of a picture of the result, elements of a packed picture
    unsigned zeros;                             // in x
    int taps, run;
    Divisor by_run, by_taps, by_taps_across;

    struct Cursor {
        int base, row, col;
    };

    __device__ __forceinline__ Cursor at(int pixel) const {
        if (pixel >= pixels) return {0, OUTSIDE, OUTSIDE};
        int n = pixel / area, p = pixel - n * area;
        int i = p / width, j = p - i * width;
        return {n * x_size, i * in_step + row0, j * in_step + col0};
    }

    __device__ __forceinline__ void load4(float (&v)[4], const Cursor& c, int k) const {
        int runs_and_taps = by_run.quotient(k);
        int at_run = by_taps.quotient(runs_and_taps);
        int tap = runs_and_taps - at_run * taps;
        int channel = at_run * run + (k - runs_and_taps * run);
        int down = by_taps_across.quotient(tap);
        unsigned row = static_cast<unsigned>(c.row + tap_step * down);
        unsigned col = static_cast<unsigned>(c.col + tap_step * (tap - down * taps_across));
        bool inside = k < depth && row < static_cast<unsigned>(x_height) && col < static_cast<unsigned>(x_width);
        unsigned at = c.base + ((row >> up) * (x_width >> up) + (col >> up)) * channels + channel;
        load_packed(v, x + (inside ? at : zeros));
    }
};

// Rows are channels, columns pixels of those that this launch computes.
struct PictureStore {
    float* y;
    const float* bias;
    const float* residual;
    int channels, height, width;       // of y
    int area, cols;                    // pixels of a picture, and in a row of it, in this launch
    int step, row, col;                // where they are in y

    __device__ __forceinline__ void one(size_t at, float v) const {
        y[at] = residual != nullptr ? residual[at] + v : v;
    }

    __device__ __forceinline__ size_t place(int channel, int pixel) const {
        int n = pixel / area, p = pixel - n * area;
        size_t plane = static_cast<size_t>(n) * channels + channel;
        if (step == 1) return plane * area + p;
        int i = p / cols, j = p - i * cols;
        return (plane * height + row + i * step) * width + col + j * step;
    }

    __device__ __forceinline__ void operator()(int channel, int pixel, float v0, float v1, bool second) const {
        float b = bias != nullptr ? bias[channel] : 0.0f;
        v0 += b;
        v1 += b;
        size_t at = place(channel, pixel);
        if (step == 1 && area % 2 == 0) { // both are there, in one picture, and the first is at an even place
            float2 old = make_float2(0.0f, 0.0f);
            if (residual != nullptr) {
                old = *reinterpret_cast<const float2*>(residual + at);
                v0 += old.x;
                v1 += old.y;
            }
            *reinterpret_cast<float2*>(y + at) = make_float2(v0, v1);
        } else {
            one(at, v0);
            if (second) one(place(channel, pixel + 1), v1);
        }
    }
};

// Result pixel (i, j) of this launch is y(row + i step, col + j step); its tap (a, b) reads x at (i in_step + row0 + a tap_step,
// j in_step + col0 + b tap_step).
#define PRODUCT_PARAMETERS(T)                                                                                                  \
    float *y, const T *x, const T *w, const float *bias, const float *residual, int first, int pictures, int outs,         \
            int height, int width, int rows, int cols, int step, int row, int col, int x_height, int x_width, int up,          \
            int channels, int taps_down, int taps_across, int in_step, int row0, int col0, int tap_step, int w_offset
#define PRODUCT_ARGUMENTS                                                                                                      \
    y, x, w, bias, residual, first, pictures, outs, height, width, rows, cols, step, row, col, x_height, x_width, up, channels, \
            taps_down, taps_across, in_step, row0, col0, tap_step, w_offset

template <class Shape>
__device__ __forceinline__ void conv_product(PRODUCT_PARAMETERS(Packed<Shape::PRECISION>)) {
    using T = Packed<Shape::PRECISION>;
    int area = rows * cols;
    int taps = taps_down * taps_across;
    int depth = taps * channels;
    int x_size = (x_height >> up) * (x_width >> up) * channels;
    int run = run_of(channels);
    Patches<T> patches{x,
                       pictures * area,
                       depth,
                       cols,
                       x_height,
                       x_width,
                       up,
                       channels,
                       taps_across,
                       in_step,
                       row0,
                       col0,
                       tap_step,
                       area,
                       x_size,
                       static_cast<unsigned>(pictures * x_size),
                       taps,
                       run,
                       Divisor(run),
                       Divisor(max(1, taps)),
                       Divisor(max(1, taps_across))};
    Filters<T> filters{w + w_offset, outs, (depth + LINE_STEP - 1) / LINE_STEP * LINE_STEP};
    size_t start = static_cast<size_t>(first) * outs * height * width;
    const float* added = residual != nullptr ? residual + start : nullptr;
    PictureStore store{y + start, bias, added, outs, height, width, area, cols, step, row, col};
    int down = (outs + Shape::ROWS - 1) / Shape::ROWS;
    int block = static_cast<int>(blockIdx.x);
    tile_product<Shape>(filters, patches, store, block % down * Shape::ROWS, block / down * Shape::COLS, outs, pictures * area, 0,
                        depth);
}

// ---- backward to the filters -----------------------------------------------------------------------------------------

// Packed pictures with one tap: rows are (run of channels, tap, channel of the run), columns pixels of the result.
template <class T>
struct Taps {
    static constexpr bool ALONG_K = false;
    const T* x;
    int rows, pixels;
    int area, width;                            // of the result
    int x_height, x_width, x_size;
    unsigned zeros; // in x
    int channels, taps, kernel_width, stride, pad_top, pad_left;
    Divisor by_area, by_width;

    struct Cursor {
        int row, col, channel;
    };

    __device__ __forceinline__ Cursor at(int row) const {
        if (row >= rows) return {OUTSIDE, OUTSIDE, 0};
        int run = run_of(channels);
        int runs_and_taps = row / run;
        int at_run = runs_and_taps / taps, tap = runs_and_taps - at_run * taps;
        int u = tap / kernel_width;
        return {u - pad_top, tap - u * kernel_width - pad_left, at_run * run + row - runs_and_taps * run};
    }

    __device__ __forceinline__ void load4(float (&v)[4], const Cursor& c, int k) const {
        int n = by_area.quotient(k);
        int p = k - n * area;
        int i = by_width.quotient(p);
        unsigned row = static_cast<unsigned>(i * stride + c.row);
        unsigned col = static_cast<unsigned>((p - i * width) * stride + c.col);
        bool inside = k < pixels && row < static_cast<unsigned>(x_height) && col < static_cast<unsigned>(x_width);
        unsigned at = n * x_size + (row * x_width + col) * channels + c.channel;
        load_packed(v, x + (inside ? at : zeros));
    }
};

// Packed pictures: rows are channels, columns pixels; behind the last pixel are zeros. Rows outside read the last ones.
template <class T>
struct PackedAlongRows {
    static constexpr bool ALONG_K = false;
    const T* x;
    int channels, pixels;

    struct Cursor {
        int channel;
    };

    __device__ __forceinline__ Cursor at(int row) const { return {min(row, channels - 4)}; }

    __device__ __forceinline__ void load4(float (&v)[4], const Cursor& c, int k) const {
        load_packed(v, x + (k < pixels ? k * channels + c.channel : pixels * channels));
    }
};

#define WEIGHT_PARAMETERS(T)                                                                                                   \
    float *partial, const T *dy, const T *x, int first_split, int pixels_of_split, int pictures, int outs, int outs_padded,    \
            int height, int width, int x_height, int x_width, int channels, int kernel_height, int kernel_width, int stride,   \
            int pad_top, int pad_left
#define WEIGHT_ARGUMENTS                                                                                                       \
    partial, dy, x, first_split, pixels_of_split, pictures, outs, outs_padded, height, width, x_height, x_width, channels,     \
            kernel_height, kernel_width, stride, pad_top, pad_left

// partial[first_split + blockIdx.y] (outs, runs, taps, channels of a run): the sum over one run of pixels.
template <class Shape>
__device__ __forceinline__ void conv_weight(WEIGHT_PARAMETERS(Packed<Shape::PRECISION>)) {
    using T = Packed<Shape::PRECISION>;
    int area = height * width;
    int pixels = pictures * area;
    int n = kernel_height * kernel_width * channels;
    int x_size = x_height * x_width * channels;
    PackedAlongRows<T> gradients{dy, outs_padded, pixels};
    Taps<T> taps{x, n, pixels, area, width, x_height, x_width, x_size, static_cast<unsigned>(pictures * x_size),
                 channels, kernel_height * kernel_width, kernel_width, stride, pad_top, pad_left, Divisor(area), Divisor(width)};
    MatrixStore store{partial + (static_cast<size_t>(first_split) + blockIdx.y) * outs * n, n, false};
    int down = (outs + Shape::ROWS - 1) / Shape::ROWS;
    int block = static_cast<int>(blockIdx.x);
    int begin = static_cast<int>(blockIdx.y) * pixels_of_split;
    tile_product<Shape>(gradients, taps, store, block % down * Shape::ROWS, block / down * Shape::COLS, outs, n, begin,
                        min(pixels, begin + pixels_of_split));
}
