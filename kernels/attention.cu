// Causal grouped-query attention, forward and backward, and the cache of keys and values.
//
// out_i = sum over j <= i of p_ij v_j with p_i = softmax_j(q_i . k_j / sqrt(dim)). Queries and outputs are (batch, queries,
// heads, dim), keys and values (batch, capacity, kv_heads, dim); head h uses the keys of h / (heads / kv_heads).
//
// Tiles (attention_forward, attention_keys_backward, attention_queries_backward): 256 threads take 64 queries x 64 keys, a
// thread 4 x 4 of them, in f32. Every product here (scores, p v, and the five of the gradient) is one of two 64 x 64
// matrices in shared memory whose common index is the row, so that a thread reads 16 bytes of each for 16 multiply-adds;
// the dimensions of a head go through in pieces of 64. Scores never leave the chip (Dao et al. 2022): forward keeps a
// maximum and a sum for each query and rescales what it has; backward recomputes the probabilities from the logarithms of
// the sums. Two buffers of 17 KiB are all the shared memory, each used for whatever product comes next. Registers are held
// to 128, so that two blocks share a multiprocessor and cover each other's loads (not where dk and dv of 128 columns are
// summed). Rows are 68 floats apart: reads of 16 bytes stay aligned and stores of transposing loads meet no bank twice.
//
// A block has up to 128 output columns in registers; heads wider than that are cut into parts of 128, a block each, which
// compute the scores again. Blocks with most work start first.
//
// Backward: dk and dv by a block for each tile of keys, which goes through all queries of all heads of its group; dq by a
// block for each tile of queries. Each sum belongs to one block and has one order.
//
// A few queries (attention_few): decoding reads the cache and computes little. A block for each query and head; 8 lanes
// share a key, 64 keys at a time in a block and two of them under way, with a softmax of their own for each 8 lanes,
// brought together at the end.
//
// Offsets are ints, as a storage has fewer than 2^31 elements. The number of keys in use is read on the device. An infinite
// or NaN value row spoils the whole tile of queries that see any of it (0 times NaN is NaN), also queries that stand before
// it.
//
// Reference: cpu/ScalarSoftmaxKernels.java.
#include "common.cuh"

constexpr int THREADS = 256;
constexpr int TILE = 64;
constexpr int STRIDE = TILE + 4;
constexpr int HALF = TILE / 4 / 2;

__device__ __forceinline__ float infinity() {
    return __int_as_float(0x7f800000);
}

// Both loads take their rows in two halves: addresses of all would fill the registers. Rows are `stride` apart; behind row
// `rows` and column `dim` there is 0.

// to[d, r] = from[r, first + d]
__device__ __forceinline__ void load_transposed(float* to, const float* from, int rows, int stride, int first, int dim) {
    // A warp takes 8 columns (a sector) of 4 rows at a time: its 32 stores are to 32 banks.
    int d = static_cast<int>(threadIdx.x) / WARP * 8 + static_cast<int>(threadIdx.x) % WARP / 4;
    int r = static_cast<int>(threadIdx.x) % 4;
    from += r * stride + first + d;
    to += d * STRIDE + r;
    rows = first + d < dim ? rows - r : 0;
#pragma unroll HALF
    for (int i = 0; i < TILE; i += 4) {
        to[i] = i < rows ? *from : 0.0f;
        from += 4 * stride;
    }
}

// to[r, c] = from[r, first + c]
__device__ __forceinline__ void load_rows(float* to, const float* from, int rows, int stride, int first, int dim) {
    int c = static_cast<int>(threadIdx.x) % TILE;
    int r = static_cast<int>(threadIdx.x) / TILE;
    from += r * stride + first + c;
    to += r * STRIDE + c;
    rows = first + c < dim ? rows - r : 0;
#pragma unroll HALF
    for (int i = 0; i < TILE; i += 4) {
        to[i * STRIDE] = i < rows ? *from : 0.0f;
        from += 4 * stride;
    }
}

// Row and column of a thread's first element of a tile.
__device__ __forceinline__ int tile_row() {
    return static_cast<int>(threadIdx.x) / 16 * 4;
}

__device__ __forceinline__ int tile_column() {
    return static_cast<int>(threadIdx.x) % 16 * 4;
}

// sum[i, j] += sum over k of a[k, i] b[k, j]
__device__ __forceinline__ void multiply(float (&sum)[4][4], const float* a, const float* b) {
    a += tile_row();
    b += tile_column();
#pragma unroll 4
    for (int k = 0; k < TILE; k++) {
        float4 x = *reinterpret_cast<const float4*>(a + k * STRIDE);
        float4 y = *reinterpret_cast<const float4*>(b + k * STRIDE);
        float xs[4] = {x.x, x.y, x.z, x.w};
        float ys[4] = {y.x, y.y, y.z, y.w};
#pragma unroll
        for (int i = 0; i < 4; i++) {
#pragma unroll
            for (int j = 0; j < 4; j++) sum[i][j] = fmaf(xs[i], ys[j], sum[i][j]);
        }
    }
}

__device__ __forceinline__ void clear(float (&v)[4][4]) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
#pragma unroll
        for (int j = 0; j < 4; j++) v[i][j] = 0.0f;
    }
}

// to[i, j] = v
__device__ __forceinline__ void store_tile(float* to, const float (&v)[4][4]) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
        float4 row = make_float4(v[i][0], v[i][1], v[i][2], v[i][3]);
        *reinterpret_cast<float4*>(to + (tile_row() + i) * STRIDE + tile_column()) = row;
    }
}

// to[j, i] = v
__device__ __forceinline__ void store_tile_transposed(float* to, const float (&v)[4][4]) {
#pragma unroll
    for (int j = 0; j < 4; j++) {
        float4 column = make_float4(v[0][j], v[1][j], v[2][j], v[3][j]);
        *reinterpret_cast<float4*>(to + (tile_column() + j) * STRIDE + tile_row()) = column;
    }
}

// v = a b^T over the dimensions of a head, through both buffers.
__device__ __forceinline__ void product_of_rows(float (&v)[4][4], float* left, float* right, const float* a, int a_rows,
                                                int a_stride, const float* b, int b_rows, int b_stride, int dim) {
    clear(v);
    for (int first = 0; first < dim; first += TILE) {
        __syncthreads();
        load_transposed(left, a, a_rows, a_stride, first, dim);
        load_transposed(right, b, b_rows, b_stride, first, dim);
        __syncthreads();
        multiply(v, left, right);
    }
}

// sums[chunk] += p^T b for each chunk of 64 columns of b from `first` on. p, with the common index as its row, is in
// `right`, stored but not yet behind a barrier.
template <int chunks>
__device__ __forceinline__ void add_products(float (&sums)[chunks][4][4], float* left, const float* right, const float* b,
                                             int rows, int stride, int first, int dim) {
#pragma unroll
    for (int chunk = 0; chunk < chunks; chunk++) {
        if (first + chunk * TILE < dim) {
            if (chunk > 0) __syncthreads();
            load_rows(left, b, rows, stride, first + chunk * TILE, dim);
            __syncthreads();
            multiply(sums[chunk], right, left);
        }
    }
}

// Over the 16 threads with the same rows of a tile.
__device__ __forceinline__ float max_of_row(float v) {
#pragma unroll
    for (int lane = 8; lane > 0; lane /= 2) v = fmaxf(v, __shfl_xor_sync(FULL_WARP, v, lane));
    return v;
}

__device__ __forceinline__ float sum_of_row(float v) {
#pragma unroll
    for (int lane = 8; lane > 0; lane /= 2) v += __shfl_xor_sync(FULL_WARP, v, lane);
    return v;
}

__device__ __forceinline__ int keys_in_use(const int* key_length, int capacity) {
    return key_length == nullptr ? capacity : max(0, min(*key_length, capacity));
}

// blockIdx.x: tiles of queries, the last first, x (batch, heads); blockIdx.y: parts of 64 * chunks columns. log_sums
// (batch, heads, queries), may be null.
template <int chunks>
__device__ __forceinline__ void forward(float* out, float* log_sums, const float* q, const float* k, const float* v,
                                        const int* key_length, int batch, int queries, int capacity, int heads, int kv_heads,
                                        int dim, float scale) {
    __shared__ __align__(16) float left[TILE * STRIDE];
    __shared__ __align__(16) float right[TILE * STRIDE];
    int head_of_batch = static_cast<int>(blockIdx.x) % (batch * heads);
    int tile = (queries - 1) / TILE - static_cast<int>(blockIdx.x) / (batch * heads);
    int b = head_of_batch / heads;
    int h = head_of_batch % heads;
    int first_query = tile * TILE;
    int rows = min(TILE, queries - first_query);
    int position = keys_in_use(key_length, capacity) - queries + first_query; // of the tile's first query
    int visible = position + rows;                                           // of its last query, keys in use at most
    int stride = heads * dim;
    int kv_stride = kv_heads * dim;
    int query_base = (b * queries + first_query) * stride + h * dim;
    int key_base = b * capacity * kv_stride + h / (heads / kv_heads) * dim;
    int first_column = static_cast<int>(blockIdx.y) * chunks * TILE;

    float sums[chunks][4][4];
    float greatest[4], sum[4];
#pragma unroll
    for (int chunk = 0; chunk < chunks; chunk++) clear(sums[chunk]);
#pragma unroll
    for (int i = 0; i < 4; i++) {
        greatest[i] = -infinity();
        sum[i] = 0.0f;
    }
    for (int first_key = 0; first_key < visible; first_key += TILE) {
        int keys = min(TILE, visible - first_key);
        int at = key_base + first_key * kv_stride;
        float p[4][4];
        product_of_rows(p, left, right, q + query_base, rows, stride, k + at, keys, kv_stride, dim);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            float most = greatest[i];
#pragma unroll
            for (int j = 0; j < 4; j++) {
                int key = tile_column() + j;
                bool seen = key < keys && first_key + key <= position + tile_row() + i;
                p[i][j] = seen ? p[i][j] * scale : -infinity();
                most = fmaxf(most, p[i][j]);
            }
            most = max_of_row(most);
            float shift = most == -infinity() ? 0.0f : most; // nothing seen yet
            float factor = expf(greatest[i] - shift);
            greatest[i] = most;
            sum[i] *= factor;
#pragma unroll
            for (int j = 0; j < 4; j++) {
                p[i][j] = expf(p[i][j] - shift);
                sum[i] += p[i][j];
            }
#pragma unroll
            for (int chunk = 0; chunk < chunks; chunk++) {
#pragma unroll
                for (int j = 0; j < 4; j++) sums[chunk][i][j] *= factor;
            }
        }
        __syncthreads();
        store_tile_transposed(right, p);
        add_products(sums, left, right, v + at, keys, kv_stride, first_column, dim);
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
        sum[i] = sum_of_row(sum[i]);
        int row = tile_row() + i;
        if (row >= rows) continue;
        float factor = position + row >= 0 ? 1.0f / sum[i] : 0.0f; // 0 where there is nothing to see
#pragma unroll
        for (int chunk = 0; chunk < chunks; chunk++) {
#pragma unroll
            for (int j = 0; j < 4; j++) {
                int c = first_column + chunk * TILE + tile_column() + j;
                if (c < dim) out[query_base + row * stride + c] = sums[chunk][i][j] * factor;
            }
        }
        if (log_sums != nullptr && tile_column() == 0 && blockIdx.y == 0) {
            log_sums[head_of_batch * queries + first_query + row] = greatest[i] + logf(sum[i]);
        }
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, 2) attention_forward_64_f32(
    float* out, float* log_sums, const float* q, const float* k, const float* v, const int* key_length, int batch,
    int queries, int capacity, int heads, int kv_heads, int dim, float scale) {
    forward<1>(out, log_sums, q, k, v, key_length, batch, queries, capacity, heads, kv_heads, dim, scale);
}

extern "C" __global__ void __launch_bounds__(THREADS, 2) attention_forward_128_f32(
    float* out, float* log_sums, const float* q, const float* k, const float* v, const int* key_length, int batch,
    int queries, int capacity, int heads, int kv_heads, int dim, float scale) {
    forward<2>(out, log_sums, q, k, v, key_length, batch, queries, capacity, heads, kv_heads, dim, scale);
}

// ---- few queries -----------------------------------------------------------------------------------------------------------

constexpr int FEW_THREADS = 512;
constexpr int LANES = 8; // of a key
constexpr int GROUPS = FEW_THREADS / LANES;
constexpr int AT_A_TIME = 2; // keys of a group

// blockIdx.x: (batch, queries, heads). dim <= LANES * elements.
template <int elements>
__device__ __forceinline__ void few(float* out, const float* q, const float* k, const float* v, const int* key_length,
                                    int queries, int capacity, int heads, int kv_heads, int dim, float scale) {
    __shared__ float sums_of_groups[GROUPS][LANES * elements];
    __shared__ float greatest_of_groups[GROUPS], sum_of_groups[GROUPS];
    int h = static_cast<int>(blockIdx.x) % heads;
    int query = static_cast<int>(blockIdx.x) / heads % queries;
    int b = static_cast<int>(blockIdx.x) / heads / queries;
    int visible = keys_in_use(key_length, capacity) - queries + query + 1;
    size_t stride = static_cast<size_t>(kv_heads) * dim;
    size_t base = static_cast<size_t>(b) * capacity * stride + static_cast<size_t>(h / (heads / kv_heads)) * dim;
    int lane = static_cast<int>(threadIdx.x) % LANES;
    int group = static_cast<int>(threadIdx.x) / LANES;

    float own[elements], sums[elements];
#pragma unroll
    for (int e = 0; e < elements; e++) {
        int c = lane + LANES * e;
        own[e] = c < dim ? q[static_cast<size_t>(blockIdx.x) * dim + c] * scale : 0.0f;
        sums[e] = 0.0f;
    }
    float greatest = -infinity();
    float sum = 0.0f;
    for (int first = 0; first < visible; first += GROUPS * AT_A_TIME) {
        float keys[AT_A_TIME][elements], values[AT_A_TIME][elements];
#pragma unroll
        for (int a = 0; a < AT_A_TIME; a++) {
            int key = first + a * GROUPS + group;
#pragma unroll
            for (int e = 0; e < elements; e++) {
                int c = lane + LANES * e;
                bool valid = key < visible && c < dim;
                keys[a][e] = valid ? k[base + key * stride + c] : 0.0f;
                values[a][e] = valid ? v[base + key * stride + c] : 0.0f;
            }
        }
#pragma unroll
        for (int a = 0; a < AT_A_TIME; a++) {
            float score = 0.0f;
#pragma unroll
            for (int e = 0; e < elements; e++) score = fmaf(own[e], keys[a][e], score);
#pragma unroll
            for (int l = LANES / 2; l > 0; l /= 2) score += __shfl_xor_sync(FULL_WARP, score, l);
            if (first + a * GROUPS + group >= visible) score = -infinity();
            float most = fmaxf(greatest, score);
            float shift = most == -infinity() ? 0.0f : most;
            float factor = expf(greatest - shift);
            float p = expf(score - shift);
            greatest = most;
            sum = fmaf(sum, factor, p);
#pragma unroll
            for (int e = 0; e < elements; e++) sums[e] = fmaf(sums[e], factor, p * values[a][e]);
        }
    }
    if (lane == 0) {
        greatest_of_groups[group] = greatest;
        sum_of_groups[group] = sum;
    }
#pragma unroll
    for (int e = 0; e < elements; e++) sums_of_groups[group][lane + LANES * e] = sums[e];
    __syncthreads();
    float most = -infinity();
    for (int g = 0; g < GROUPS; g++) most = fmaxf(most, greatest_of_groups[g]);
    float shift = most == -infinity() ? 0.0f : most;
    for (int c = static_cast<int>(threadIdx.x); c < dim; c += FEW_THREADS) {
        float total = 0.0f, weighted = 0.0f;
        for (int g = 0; g < GROUPS; g++) {
            float factor = expf(greatest_of_groups[g] - shift);
            total = fmaf(sum_of_groups[g], factor, total);
            weighted = fmaf(sums_of_groups[g][c], factor, weighted);
        }
        out[static_cast<size_t>(blockIdx.x) * dim + c] = visible > 0 ? weighted / total : 0.0f;
    }
}

extern "C" __global__ void __launch_bounds__(FEW_THREADS) attention_few_64_f32(
    float* out, const float* q, const float* k, const float* v, const int* key_length, int queries, int capacity, int heads,
    int kv_heads, int dim, float scale) {
    few<8>(out, q, k, v, key_length, queries, capacity, heads, kv_heads, dim, scale);
}

extern "C" __global__ void __launch_bounds__(FEW_THREADS) attention_few_128_f32(
    float* out, const float* q, const float* k, const float* v, const int* key_length, int queries, int capacity, int heads,
    int kv_heads, int dim, float scale) {
    few<16>(out, q, k, v, key_length, queries, capacity, heads, kv_heads, dim, scale);
}

// ---- backward --------------------------------------------------------------------------------------------------------------

// deltas[b, h, i] = <dOut, out>, which is sum over j of p dp. A warp for each (batch, length, heads).
extern "C" __global__ void attention_deltas_f32(
    float* deltas, const float* d_out, const float* out, int rows, int length, int heads, int dim) {
    int row = static_cast<int>((blockIdx.x * blockDim.x + threadIdx.x) / WARP);
    int lane = static_cast<int>(threadIdx.x) % WARP;
    float sum = 0.0f;
    if (row < rows) {
        size_t base = row * dim;
        for (int c = lane; c < dim; c += WARP) sum = fmaf(d_out[base + c], out[base + c], sum);
    }
    sum = warp_sum(sum);
    if (row < rows && lane == 0) {
        int h = row % heads, i = row / heads % length, b = row / heads / length;
        deltas[(b * heads + h) * length + i] = sum;
    }
}

// Replaces the products q k and dOut v of a tile by the probabilities p and the gradient of the scaled products, scale p
// (dp - delta).
__device__ __forceinline__ void gradient_of_scores(float (&p)[4][4], float (&d)[4][4], const float* log_sums, const float* deltas,
                                                   int first_query, int first_key, int length, float scale) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
        int query = first_query + tile_row() + i;
        float log_sum = query < length ? log_sums[query] : 0.0f;
        float delta = query < length ? deltas[query] : 0.0f;
#pragma unroll
        for (int j = 0; j < 4; j++) {
            bool seen = query < length && first_key + tile_column() + j <= query;
            p[i][j] = seen ? expf(fmaf(p[i][j], scale, -log_sum)) : 0.0f;
            d[i][j] = seen ? p[i][j] * (d[i][j] - delta) * scale : 0.0f;
        }
    }
}

__device__ __forceinline__ void store_rows(float* to, const float (&v)[4][4], int rows, int stride, int first, int dim) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
#pragma unroll
        for (int j = 0; j < 4; j++) {
            int c = first + tile_column() + j;
            if (tile_row() + i < rows && c < dim) to[(tile_row() + i) * stride + c] = v[i][j];
        }
    }
}

// dv = p^T dOut, dk = ds^T q. blockIdx.x: tiles of keys x (batch, kv_heads); blockIdx.y: parts of 64 * chunks columns.
template <int chunks>
__device__ __forceinline__ void keys_backward(float* dk, float* dv, const float* d_out, const float* q, const float* k,
                                              const float* v, const float* log_sums, const float* deltas, int batch, int length,
                                              int heads, int kv_heads, int dim, float scale) {
    __shared__ __align__(16) float left[TILE * STRIDE];
    __shared__ __align__(16) float right[TILE * STRIDE];
    int head_of_batch = static_cast<int>(blockIdx.x) % (batch * kv_heads);
    int first_key = static_cast<int>(blockIdx.x) / (batch * kv_heads) * TILE;
    int b = head_of_batch / kv_heads;
    int kv = head_of_batch % kv_heads;
    int keys = min(TILE, length - first_key);
    int heads_of_group = heads / kv_heads;
    int stride = heads * dim;
    int kv_stride = kv_heads * dim;
    int key_base = (b * length + first_key) * kv_stride + kv * dim;
    int first_column = static_cast<int>(blockIdx.y) * chunks * TILE;

    float dk_sums[chunks][4][4], dv_sums[chunks][4][4];
#pragma unroll
    for (int chunk = 0; chunk < chunks; chunk++) {
        clear(dk_sums[chunk]);
        clear(dv_sums[chunk]);
    }
    for (int h = kv * heads_of_group; h < (kv + 1) * heads_of_group; h++) {
        int sums_base = (b * heads + h) * length;
        for (int first_query = first_key; first_query < length; first_query += TILE) {
            int rows = min(TILE, length - first_query);
            int at = (b * length + first_query) * stride + h * dim;
            float p[4][4], d[4][4];
            product_of_rows(p, left, right, q + at, rows, stride, k + key_base, keys, kv_stride, dim);
            product_of_rows(d, left, right, d_out + at, rows, stride, v + key_base, keys, kv_stride, dim);
            gradient_of_scores(p, d, log_sums + sums_base, deltas + sums_base, first_query, first_key, length, scale);
            __syncthreads();
            store_tile(right, p);
            add_products(dv_sums, left, right, d_out + at, rows, stride, first_column, dim);
            __syncthreads();
            store_tile(right, d);
            add_products(dk_sums, left, right, q + at, rows, stride, first_column, dim);
        }
    }
#pragma unroll
    for (int chunk = 0; chunk < chunks; chunk++) {
        store_rows(dk + key_base, dk_sums[chunk], keys, kv_stride, first_column + chunk * TILE, dim);
        store_rows(dv + key_base, dv_sums[chunk], keys, kv_stride, first_column + chunk * TILE, dim);
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, 2) attention_keys_backward_64_f32(
    float* dk, float* dv, const float* d_out, const float* q, const float* k, const float* v, const float* log_sums,
    const float* deltas, int batch, int length, int heads, int kv_heads, int dim, float scale) {
    keys_backward<1>(dk, dv, d_out, q, k, v, log_sums, deltas, batch, length, heads, kv_heads, dim, scale);
}

extern "C" __global__ void __launch_bounds__(THREADS) attention_keys_backward_128_f32(
    float* dk, float* dv, const float* d_out, const float* q, const float* k, const float* v, const float* log_sums,
    const float* deltas, int batch, int length, int heads, int kv_heads, int dim, float scale) {
    keys_backward<2>(dk, dv, d_out, q, k, v, log_sums, deltas, batch, length, heads, kv_heads, dim, scale);
}

// dq = ds k. blockIdx.x: tiles of queries, the last first, x (batch, heads); blockIdx.y: parts of 64 * chunks columns.
template <int chunks>
__device__ __forceinline__ void queries_backward(float* dq, const float* d_out, const float* q, const float* k, const float* v,
                                                 const float* log_sums, const float* deltas, int batch, int length, int heads,
                                                 int kv_heads, int dim, float scale) {
    __shared__ __align__(16) float left[TILE * STRIDE];
    __shared__ __align__(16) float right[TILE * STRIDE];
    int head_of_batch = static_cast<int>(blockIdx.x) % (batch * heads);
    int first_query = ((length - 1) / TILE - static_cast<int>(blockIdx.x) / (batch * heads)) * TILE;
    int b = head_of_batch / heads;
    int h = head_of_batch % heads;
    int rows = min(TILE, length - first_query);
    int stride = heads * dim;
    int kv_stride = kv_heads * dim;
    int query_base = (b * length + first_query) * stride + h * dim;
    int key_base = b * length * kv_stride + h / (heads / kv_heads) * dim;
    int sums_base = head_of_batch * length;
    int first_column = static_cast<int>(blockIdx.y) * chunks * TILE;

    float sums[chunks][4][4];
#pragma unroll
    for (int chunk = 0; chunk < chunks; chunk++) clear(sums[chunk]);
    for (int first_key = 0; first_key < first_query + rows; first_key += TILE) {
        int keys = min(TILE, first_query + rows - first_key);
        int at = key_base + first_key * kv_stride;
        float p[4][4], d[4][4];
        product_of_rows(p, left, right, q + query_base, rows, stride, k + at, keys, kv_stride, dim);
        product_of_rows(d, left, right, d_out + query_base, rows, stride, v + at, keys, kv_stride, dim);
        gradient_of_scores(p, d, log_sums + sums_base, deltas + sums_base, first_query, first_key, length, scale);
        __syncthreads();
        store_tile_transposed(right, d);
        add_products(sums, left, right, k + at, keys, kv_stride, first_column, dim);
    }
#pragma unroll
    for (int chunk = 0; chunk < chunks; chunk++) {
        store_rows(dq + query_base, sums[chunk], rows, stride, first_column + chunk * TILE, dim);
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, 2) attention_queries_backward_64_f32(
    float* dq, const float* d_out, const float* q, const float* k, const float* v, const float* log_sums,
    const float* deltas, int batch, int length, int heads, int kv_heads, int dim, float scale) {
    queries_backward<1>(dq, d_out, q, k, v, log_sums, deltas, batch, length, heads, kv_heads, dim, scale);
}

extern "C" __global__ void __launch_bounds__(THREADS, 2) attention_queries_backward_128_f32(
    float* dq, const float* d_out, const float* q, const float* k, const float* v, const float* log_sums,
    const float* deltas, int batch, int length, int heads, int kv_heads, int dim, float scale) {
    queries_backward<2>(dq, d_out, q, k, v, log_sums, deltas, batch, length, heads, kv_heads, dim, scale);
}

// ---- cache -----------------------------------------------------------------------------------------------------------------

// Where `added` more rows do not fit nothing is changed: nobody can be told, and what lies behind is not ours.
__device__ __forceinline__ bool fits(int length, int added, int capacity) {
    return length >= 0 && length <= capacity - added;
}

// n = batch added width. `length` is read by every block, so it grows in a kernel of its own.
extern "C" __global__ void append_f32(
    float* keys, float* values, const int* length, const float* k, const float* v, int n, int added, int capacity,
    int width) {
    int i = static_cast<int>(blockIdx.x) * THREADS + static_cast<int>(threadIdx.x);
    int used = *length;
    if (i < n && fits(used, added, capacity)) {
        int row = i / width;
        size_t to = (static_cast<size_t>(row / added) * capacity + used + row % added) * width + i % width;
        keys[to] = k[i];
        values[to] = v[i];
    }
}

extern "C" __global__ void advance_i32(
    int* length, int added, int capacity) {
    if (fits(*length, added, capacity)) *length += added;
}
