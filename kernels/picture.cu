// Pooling, resizing and moving of pictures (planes, height, width).
//
// One thread an element of what is written, forward and backward: a gradient gathers from all windows or output pixels that its
// element took part in, in a fixed order, so there are no atomics. Everything is limited by memory, and neighbours share what
// they read from the caches.
//
// Bilinear interpolation rounds each operation by itself, so its results have the bits of the CPU's.
//
// Reference: cpu/scalar/ScalarPictureKernels.java.
#include "common.cuh"

constexpr int THREADS = 256;

__device__ __forceinline__ int item() {
    return static_cast<int>(blockIdx.x) * THREADS + static_cast<int>(threadIdx.x);
}

// ---- pooling ------------------------------------------------------------------------------------------------------------------

// The window of an output position along one side, cut at the picture's edges.
struct Span {
    int first, end;
    __device__ __forceinline__ Span(int out, int size, int kernel, int stride, int pad)
        : first(max(0, out * stride - pad)), end(min(size, out * stride - pad + kernel)) {}
};

// Output positions whose windows reach an input position along one side.
struct Reached {
    int first, last;
    __device__ __forceinline__ Reached(int at, int out, int kernel, int stride, int pad)
        : first(max(0, (at + pad - kernel + stride) / stride)), last(min(out - 1, (at + pad) / stride)) {
        if (at + pad - kernel + stride < 0) first = 0;
    }
};

// Index in the plane of the first greatest element of a window, a NaN being greater than all.
__device__ __forceinline__ int greatest(const float* x, int width, Span rows, Span cols) {
    int best = rows.first * width + cols.first;
    float value = x[best];
    for (int r = rows.first; r < rows.end; r++) {
        for (int c = cols.first; c < cols.end; c++) {
            float v = x[r * width + c];
            if (v > value || (v != v && value == value)) {
                value = v;
                best = r * width + c;
            }
        }
    }
    return best;
}

extern "C" __global__ void max_pool_forward_f32(float* y, const float* x, int planes, int height, int width, int out_height,
                                                int out_width, int kernel_height, int kernel_width, int stride_height,
                                                int stride_width, int pad_height, int pad_width) {
    int q = item();
    if (q >= planes * out_height * out_width) return;
    int j = q % out_width, i = q / out_width % out_height, p = q / out_width / out_height;
    const float* plane = x + static_cast<size_t>(p) * height * width;
    y[q] = plane[greatest(plane, width, Span(i, height, kernel_height, stride_height, pad_height),
                          Span(j, width, kernel_width, stride_width, pad_width))];
}

extern "C" __global__ void max_pool_backward_f32(float* dx, const float* dy, const float* x, int planes, int height, int width,
                                                 int out_height, int out_width, int kernel_height, int kernel_width,
                                                 int stride_height, int stride_width, int pad_height, int pad_width) {
    int q = item();
    if (q >= planes * height * width) return;
    int c = q % width, r = q / width % height, p = q / width / height;
    const float* plane = x + static_cast<size_t>(p) * height * width;
    Reached rows(r, out_height, kernel_height, stride_height, pad_height);
    Reached cols(c, out_width, kernel_width, stride_width, pad_width);
    float sum = 0.0f;
    for (int i = rows.first; i <= rows.last; i++) {
        for (int j = cols.first; j <= cols.last; j++) {
            int best = greatest(plane, width, Span(i, height, kernel_height, stride_height, pad_height),
                                Span(j, width, kernel_width, stride_width, pad_width));
            if (best == r * width + c) sum += dy[(static_cast<size_t>(p) * out_height + i) * out_width + j];
        }
    }
    dx[q] = sum;
}

// The number that a window's sum is divided by.
__device__ __forceinline__ int divisor(Span rows, Span cols, int whole) {
    return whole > 0 ? whole : (rows.end - rows.first) * (cols.end - cols.first);
}

// whole: elements of a window, to divide by that; 0 to divide by those inside the picture.
extern "C" __global__ void avg_pool_forward_f32(float* y, const float* x, int planes, int height, int width, int out_height,
                                                int out_width, int kernel_height, int kernel_width, int stride_height,
                                                int stride_width, int pad_height, int pad_width, int whole) {
    int q = item();
    if (q >= planes * out_height * out_width) return;
    int j = q % out_width, i = q / out_width % out_height, p = q / out_width / out_height;
    const float* plane = x + static_cast<size_t>(p) * height * width;
    Span rows(i, height, kernel_height, stride_height, pad_height), cols(j, width, kernel_width, stride_width, pad_width);
    float sum = 0.0f;
    for (int c = cols.first; c < cols.end; c++) {
        float column = 0.0f;
        for (int r = rows.first; r < rows.end; r++) column += plane[r * width + c];
        sum += column;
    }
    y[q] = sum / divisor(rows, cols, whole);
}

extern "C" __global__ void avg_pool_backward_f32(float* dx, const float* dy, int planes, int height, int width, int out_height,
                                                 int out_width, int kernel_height, int kernel_width, int stride_height,
                                                 int stride_width, int pad_height, int pad_width, int whole) {
    int q = item();
    if (q >= planes * height * width) return;
    int c = q % width, r = q / width % height, p = q / width / height;
    Reached rows(r, out_height, kernel_height, stride_height, pad_height);
    Reached cols(c, out_width, kernel_width, stride_width, pad_width);
    float sum = 0.0f;
    for (int i = rows.first; i <= rows.last; i++) {
        Span down(i, height, kernel_height, stride_height, pad_height);
        for (int j = cols.first; j <= cols.last; j++) {
            Span across(j, width, kernel_width, stride_width, pad_width);
            sum += dy[(static_cast<size_t>(p) * out_height + i) * out_width + j] / divisor(down, across, whole);
        }
    }
    dx[q] = sum;
}

// ---- resizing -----------------------------------------------------------------------------------------------------------------

// How positions of two pictures of different size correspond; order of ResizeShape.Grid.
enum Grid { CORNER, HALF_PIXEL };

// The neighbours of an output position along one side.
struct Neighbours {
    int low, high;
    float share;
    __device__ __forceinline__ Neighbours(int out, int size, float scale, int grid) {
        float at = grid == CORNER ? __fmul_rn(static_cast<float>(out), scale)
                             : fmaxf(0.0f, __fadd_rn(__fmul_rn(static_cast<float>(out) + 0.5f, scale), -0.5f));
        low = min(static_cast<int>(at), size - 1);
        high = min(low + 1, size - 1);
        share = __fadd_rn(at, -static_cast<float>(low));
    }
};

// a + (b - a) share, each operation rounded by itself.
__device__ __forceinline__ float between(float a, float b, float share) {
    return __fadd_rn(a, __fmul_rn(__fadd_rn(b, -a), share));
}

extern "C" __global__ void resize_bilinear_forward_f32(float* y, const float* x, int planes, int height, int width, int out_height,
                                                       int out_width, int grid) {
    int q = item();
    if (q >= planes * out_height * out_width) return;
    int j = q % out_width, i = q / out_width % out_height, p = q / out_width / out_height;
    Neighbours rows(i, height, static_cast<float>(height) / static_cast<float>(out_height), grid);
    Neighbours cols(j, width, static_cast<float>(width) / static_cast<float>(out_width), grid);
    const float* upper = x + (static_cast<size_t>(p) * height + rows.low) * width;
    const float* lower = x + (static_cast<size_t>(p) * height + rows.high) * width;
    y[q] = between(between(upper[cols.low], upper[cols.high], cols.share), between(lower[cols.low], lower[cols.high], cols.share),
                   rows.share);
}

// What an output position takes from an input position along one side.
__device__ __forceinline__ float taken(Neighbours n, int at) {
    return (n.low == at ? 1.0f - n.share : 0.0f) + (n.high == at ? n.share : 0.0f);
}

// Output positions between which all that take from an input position lie, generously.
struct Taking {
    int first, last;
    __device__ __forceinline__ Taking(int at, int out, float scale)
        : first(max(0, static_cast<int>((at - 1.5f) / scale) - 2)), last(min(out - 1, static_cast<int>((at + 2.0f) / scale) + 2)) {}
};

extern "C" __global__ void resize_bilinear_backward_f32(float* dx, const float* dy, int planes, int height, int width,
                                                        int out_height, int out_width, int grid) {
    int q = item();
    if (q >= planes * height * width) return;
    int c = q % width, r = q / width % height, p = q / width / height;
    float down = static_cast<float>(height) / static_cast<float>(out_height);
    float across = static_cast<float>(width) / static_cast<float>(out_width);
    // the last input row or column is also the neighbour of all output positions past it
    Taking rows(r, out_height, down), cols(c, out_width, across);
    if (r == height - 1) rows.last = out_height - 1;
    if (c == width - 1) cols.last = out_width - 1;
    float sum = 0.0f;
    for (int i = rows.first; i <= rows.last; i++) {
        float of_row = taken(Neighbours(i, height, down, grid), r);
        if (of_row == 0.0f) continue;
        const float* line = dy + (static_cast<size_t>(p) * out_height + i) * out_width;
        float part = 0.0f;
        for (int j = cols.first; j <= cols.last; j++) part += line[j] * taken(Neighbours(j, width, across, grid), c);
        sum += part * of_row;
    }
    dx[q] = sum;
}

__device__ __forceinline__ int nearest(int i, int in, int out) {
    return static_cast<int>(static_cast<long long>(i) * in / out);
}

extern "C" __global__ void resize_nearest_forward_f32(float* y, const float* x, int planes, int height, int width, int out_height,
                                                      int out_width) {
    int q = item();
    if (q >= planes * out_height * out_width) return;
    int j = q % out_width, i = q / out_width % out_height, p = q / out_width / out_height;
    y[q] = x[(static_cast<size_t>(p) * height + nearest(i, height, out_height)) * width + nearest(j, width, out_width)];
}

// The first output position whose nearest input position is `at` or more: ceil(at out / in).
__device__ __forceinline__ int first_of(int at, int in, int out) {
    return static_cast<int>((static_cast<long long>(at) * out + in - 1) / in);
}

extern "C" __global__ void resize_nearest_backward_f32(float* dx, const float* dy, int planes, int height, int width,
                                                       int out_height, int out_width) {
    int q = item();
    if (q >= planes * height * width) return;
    int c = q % width, r = q / width % height, p = q / width / height;
    float sum = 0.0f;
    for (int i = first_of(r, height, out_height); i < first_of(r + 1, height, out_height); i++) {
        for (int j = first_of(c, width, out_width); j < first_of(c + 1, width, out_width); j++) {
            sum += dy[(static_cast<size_t>(p) * out_height + i) * out_width + j];
        }
    }
    dx[q] = sum;
}

// ---- moving -------------------------------------------------------------------------------------------------------------------

// y[n, c, i, j] = x[n, c, i - sign offsets[n, 0], j - sign offsets[n, 1]], zero outside; n_elements = batch channels height width.
extern "C" __global__ void shift_f32(float* y, const float* x, const int* offsets, int sign, int n_elements, int channels,
                                     int height, int width) {
    int q = item();
    if (q >= n_elements) return;
    int j = q % width, i = q / width % height, p = q / width / height;
    long long r = i - static_cast<long long>(sign) * offsets[p / channels * 2];
    long long c = j - static_cast<long long>(sign) * offsets[p / channels * 2 + 1];
    bool inside = r >= 0 && r < height && c >= 0 && c < width;
    y[q] = inside ? x[(static_cast<size_t>(p) * height + r) * width + c] : 0.0f;
}
