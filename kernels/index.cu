// Reads and writes by integer index: embedding and its gradient, nearest code, transpose.
//
// embedding_*: an element of the output by itself, ITEMS a thread a block width apart; weights in any format of CudaWeights are
// widened on the way. Without ids it widens a whole matrix.
//
// embedding_backward_f32: the sum for each row of the table in the order of the rows of dy, so neither atomics nor a sort
// of equal ids in parts will do. A block owns GROUP rows of the table and COLUMNS columns of them: it writes zeros, looks
// through all ids for its rows, in order, and adds what it finds; a thread owns its columns, so additions need no barrier.
// All ids are read once for every GROUP rows of the table, from the L2 cache (64 KiB for 16384 of them); with ids spread
// over the table a block finds few. The sum of the last row found is kept in registers, so that a row that is hit again and
// again costs only the reads of dy.
//
// nearest_code_*: a thread a row of z, entries from shared memory, where all threads of a block read the same address at a
// time. It computes what the CPU reference does, each operation rounded by itself, so the codes are the same, ties
// included: 3 operations an element of an entry, and with 8 of them 2 reads of 16 bytes. The entries are cut into parts, a
// block each, until there are enough blocks; nearest_code_merge_f32 takes the first best part.
//
// transpose_b32: 32 x 32 tiles through shared memory.
//
// Reference: cpu/ScalarIndexKernels.java.
#include "common.cuh"

constexpr int THREADS = 256;
constexpr int ITEMS = 4;

__device__ __forceinline__ int item(int j) {
    return (static_cast<int>(blockIdx.x) * ITEMS + j) * THREADS + static_cast<int>(threadIdx.x);
}

// ---- embedding -------------------------------------------------------------------------------------------------------------

struct PlainRows {
    const float* values;
    __device__ __forceinline__ float at(size_t row, int k, int dim) const { return values[row * dim + k]; }
};

struct Bf16Rows {
    const bf16* values;
    __device__ __forceinline__ float at(size_t row, int k, int dim) const { return bf16_to_float(values[row * dim + k]); }
};

// A scale for each row.
struct Int8Rows {
    const signed char* values;
    const float* scales;
    __device__ __forceinline__ float at(size_t row, int k, int dim) const {
        return static_cast<float>(values[row * dim + k]) * scales[row];
    }
};

// A scale for each block of 32; byte i of a block holds elements i and i + 16.
struct Int4Rows {
    const unsigned char* values;
    const float* scales;
    __device__ __forceinline__ float at(size_t row, int k, int dim) const {
        int pair = values[row * (dim / 2) + k / 32 * 16 + k % 16];
        int q = k % 32 < 16 ? pair & 15 : pair >> 4;
        return static_cast<float>(q - 8) * scales[row * (dim / 32) + k / 32];
    }
};

// y[r] = table[ids[r]], table[r] without ids. NaN where an id is none of the table's rows.
template <class Rows>
__device__ __forceinline__ void embed(float* y, Rows table, const int* ids, int n, int vocab, int dim) {
#pragma unroll
    for (int j = 0; j < ITEMS; j++) {
        int i = item(j);
        if (i < n) {
            int r = i / dim;
            int id = ids == nullptr ? r : ids[r];
            y[i] = id >= 0 && id < vocab ? table.at(static_cast<size_t>(id), i - r * dim, dim) : __int_as_float(0x7fffffff);
        }
    }
}

extern "C" __global__ void embedding_f32(float* y, const float* table, const int* ids, int n, int vocab, int dim) {
    embed(y, PlainRows{table}, ids, n, vocab, dim);
}

extern "C" __global__ void embedding_bf16(float* y, const bf16* table, const int* ids, int n, int vocab, int dim) {
    embed(y, Bf16Rows{table}, ids, n, vocab, dim);
}

extern "C" __global__ void embedding_int8(float* y, const signed char* table, const float* scales, const int* ids, int n,
                                          int vocab, int dim) {
    embed(y, Int8Rows{table, scales}, ids, n, vocab, dim);
}

extern "C" __global__ void embedding_int4(float* y, const unsigned char* table, const float* scales, const int* ids, int n,
                                          int vocab, int dim) {
    embed(y, Int4Rows{table, scales}, ids, n, vocab, dim);
}

constexpr int GROUP = 32;
constexpr int OWN = 4; // columns of a thread
constexpr int COLUMNS = OWN * THREADS;

// blockIdx.x: rows of the table, blockIdx.y: columns.
extern "C" __global__ void embedding_backward_f32(float* d_table, const float* dy, const int* ids, int rows, int vocab, int dim) {
    __shared__ int found[THREADS], of[THREADS];
    __shared__ int before[THREADS / WARP + 1];
    int lane = static_cast<int>(threadIdx.x) % WARP;
    int warp = static_cast<int>(threadIdx.x) / WARP;
    int first = static_cast<int>(blockIdx.x) * GROUP;
    int last = min(vocab, first + GROUP);
    int columns[OWN];
#pragma unroll
    for (int j = 0; j < OWN; j++) {
        columns[j] = static_cast<int>(blockIdx.y) * COLUMNS + j * THREADS + static_cast<int>(threadIdx.x);
    }
    for (int v = first; v < last; v++) {
#pragma unroll
        for (int j = 0; j < OWN; j++) {
            if (columns[j] < dim) d_table[static_cast<size_t>(v) * dim + columns[j]] = 0.0f;
        }
    }
    int current = -1; // the row that `sums` is of
    float sums[OWN] = {};
    auto store = [&] {
        if (current < 0) return;
#pragma unroll
        for (int j = 0; j < OWN; j++) {
            if (columns[j] < dim) d_table[static_cast<size_t>(current) * dim + columns[j]] = sums[j];
        }
    };
    for (int from = 0; from < rows; from += THREADS) {
        int r = from + static_cast<int>(threadIdx.x);
        int id = r < rows ? ids[r] : -1;
        bool mine = id >= first && id < last;
        unsigned lanes = __ballot_sync(FULL_WARP, mine);
        if (__syncthreads_or(lanes != 0) == 0) continue;
        if (lane == 0) before[warp] = __popc(lanes);
        __syncthreads();
        if (threadIdx.x == 0) {
            int sum = 0;
            for (int w = 0; w < THREADS / WARP; w++) {
                int count = before[w];
                before[w] = sum;
                sum += count;
            }
            before[THREADS / WARP] = sum;
        }
        __syncthreads();
        if (mine) {
            int place = before[warp] + __popc(lanes & ((1u << lane) - 1));
            found[place] = r;
            of[place] = id;
        }
        __syncthreads();
        int count = before[THREADS / WARP];
#pragma unroll 4
        for (int i = 0; i < count; i++) {
            int v = of[i];
            float values[OWN];
#pragma unroll
            for (int j = 0; j < OWN; j++) {
                values[j] = columns[j] < dim ? dy[static_cast<size_t>(found[i]) * dim + columns[j]] : 0.0f;
            }
            if (v != current) {
                store();
                current = v;
#pragma unroll
                for (int j = 0; j < OWN; j++) {
                    if (columns[j] < dim) sums[j] = d_table[static_cast<size_t>(v) * dim + columns[j]];
                }
            }
#pragma unroll
            for (int j = 0; j < OWN; j++) sums[j] += values[j];
        }
        __syncthreads();
    }
    store();
}

// ---- nearest code ----------------------------------------------------------------------------------------------------------

constexpr int CODE = 8; // elements of a code vector of the published tokenizers

// Where infinity and 0 are what the reference starts from, so a row without any distance below infinity gets code 0.
struct Nearest {
    float distance = __int_as_float(0x7f800000);
    int entry = 0;
    __device__ __forceinline__ void offer(float d, int e) {
        if (d < distance) {
            distance = d;
            entry = e;
        }
    }
};

// Adds (z - e)^2, rounded after each operation.
__device__ __forceinline__ float add_square(float sum, float z, float e) {
    float difference = __fadd_rn(z, -e);
    return __fadd_rn(sum, __fmul_rn(difference, difference));
}

// What a block found: into the codes if it had all entries, else (parts, rows).
__device__ __forceinline__ void store_nearest(int* codes, float* distances, int* found, const Nearest& best, int r, int rows) {
    if (codes != nullptr) {
        codes[r] = best.entry;
    } else {
        distances[static_cast<size_t>(blockIdx.y) * rows + r] = best.distance;
        found[static_cast<size_t>(blockIdx.y) * rows + r] = best.entry;
    }
}

// blockIdx.x: THREADS rows, blockIdx.y: entries_of_part entries. codes, or distances and found.
extern "C" __global__ void nearest_code_8_f32(int* codes, float* distances, int* found, const float* z, const float* codebook,
                                              int rows, int entries, int entries_of_part) {
    __shared__ float4 tile[2 * THREADS];
    int r = static_cast<int>(blockIdx.x) * THREADS + static_cast<int>(threadIdx.x);
    float own[CODE];
#pragma unroll
    for (int c = 0; c < CODE; c++) own[c] = r < rows ? z[static_cast<size_t>(r) * CODE + c] : 0.0f;
    Nearest best;
    int begin = static_cast<int>(blockIdx.y) * entries_of_part;
    int end = min(entries, begin + entries_of_part);
    for (int from = begin; from < end; from += THREADS) {
        int count = min(THREADS, end - from);
        __syncthreads();
        const float4* source = reinterpret_cast<const float4*>(codebook + static_cast<size_t>(from) * CODE);
        for (int i = static_cast<int>(threadIdx.x); i < 2 * count; i += THREADS) tile[i] = source[i];
        __syncthreads();
#pragma unroll 4
        for (int e = 0; e < count; e++) {
            float4 a = tile[2 * e], b = tile[2 * e + 1];
            float d = add_square(0.0f, own[0], a.x);
            d = add_square(d, own[1], a.y);
            d = add_square(d, own[2], a.z);
            d = add_square(d, own[3], a.w);
            d = add_square(d, own[4], b.x);
            d = add_square(d, own[5], b.y);
            d = add_square(d, own[6], b.z);
            d = add_square(d, own[7], b.w);
            best.offer(d, from + e);
        }
    }
    if (r < rows) store_nearest(codes, distances, found, best, r, rows);
}

// Any length of a code vector; all from memory, that is from the L1 cache.
extern "C" __global__ void nearest_code_any_f32(int* codes, float* distances, int* found, const float* z, const float* codebook,
                                                int rows, int entries, int entries_of_part, int dim) {
    int r = static_cast<int>(blockIdx.x) * THREADS + static_cast<int>(threadIdx.x);
    if (r >= rows) return;
    Nearest best;
    int begin = static_cast<int>(blockIdx.y) * entries_of_part;
    int end = min(entries, begin + entries_of_part);
    for (int e = begin; e < end; e++) {
        float d = 0.0f;
        for (int c = 0; c < dim; c++) {
            d = add_square(d, z[static_cast<size_t>(r) * dim + c], codebook[static_cast<size_t>(e) * dim + c]);
        }
        best.offer(d, e);
    }
    store_nearest(codes, distances, found, best, r, rows);
}

extern "C" __global__ void nearest_code_merge_f32(int* codes, const float* distances, const int* found, int rows, int parts) {
    int r = static_cast<int>(blockIdx.x) * THREADS + static_cast<int>(threadIdx.x);
    if (r >= rows) return;
    Nearest best;
    for (int p = 0; p < parts; p++) {
        best.offer(distances[static_cast<size_t>(p) * rows + r], found[static_cast<size_t>(p) * rows + r]);
    }
    codes[r] = best.entry;
}

// ---- transpose -------------------------------------------------------------------------------------------------------------

// y[b, j, i] = x[b, i, j]. blockIdx.x = (batch * row_tiles + tile of rows) * column_tiles + tile of columns; 32 x 8 threads.
extern "C" __global__ void transpose_b32(unsigned* y, const unsigned* x, int rows, int cols, int row_tiles, int column_tiles) {
    __shared__ unsigned tile[WARP][WARP + 1];
    int tx = static_cast<int>(threadIdx.x), ty = static_cast<int>(threadIdx.y);
    int first_column = static_cast<int>(blockIdx.x) % column_tiles * WARP;
    int rest = static_cast<int>(blockIdx.x) / column_tiles;
    int first_row = rest % row_tiles * WARP;
    size_t base = static_cast<size_t>(rest / row_tiles) * rows * cols;
#pragma unroll
    for (int i = ty; i < WARP; i += 8) {
        if (first_row + i < rows && first_column + tx < cols) {
            tile[i][tx] = x[base + static_cast<size_t>(first_row + i) * cols + first_column + tx];
        }
    }
    __syncthreads();
#pragma unroll
    for (int j = ty; j < WARP; j += 8) {
        if (first_column + j < cols && first_row + tx < rows) {
            y[base + static_cast<size_t>(first_column + j) * rows + first_row + tx] = tile[tx][j];
        }
    }
}
