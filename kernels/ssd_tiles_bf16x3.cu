// Products of tiles of the SSD kernels; see ssd.cu.
#include "ssd_tiles.cuh"

extern "C" __global__ void __launch_bounds__(THREADS, 4) ssd_products_bf16x3(float* to, const float* xbc, int length, int heads, int head_dim, int groups,
                                               int d_state) {
    products<BF16X3>(to, xbc, {length, heads, head_dim, groups, d_state});
}

extern "C" __global__ void __launch_bounds__(THREADS, 3) ssd_states_bf16x3(float* to, float* last, const float* initial, const float* xbc,
                                             const float* step, const float2* sums, int length, int heads, int head_dim,
                                             int groups, int d_state) {
    states<BF16X3>(to, last, initial, xbc, step, sums, {length, heads, head_dim, groups, d_state});
}

extern "C" __global__ void __launch_bounds__(THREADS, 4) ssd_output_bf16x3(float* y, const float* xbc, const float* d, const float* step,
                                             const float2* sums, const float* product, const float* start, int has_initial,
                                             int per_channel_d, int length, int heads, int head_dim, int groups, int d_state) {
    output<BF16X3>(y, xbc, d, step, sums, product, start, has_initial, per_channel_d, {length, heads, head_dim, groups,
                   d_state});
}

extern "C" __global__ void __launch_bounds__(THREADS, 2) ssd_state_gradients_bf16x3(float* gradients, float* overlap, float* d_initial,
                                                      const float* d_last, const float* dy, const float* xbc,
                                                      const float* step, const float2* sums, const float* start,
                                                      int has_initial, int batch, int length, int heads, int head_dim,
                                                      int groups, int d_state) {
    state_gradients<BF16X3>(gradients, overlap, d_initial, d_last, dy, xbc, step, sums, start, has_initial, batch, {length,
                            heads, head_dim, groups, d_state});
}

extern "C" __global__ void __launch_bounds__(THREADS, 2) ssd_map_gradient_bf16x3(float* map, float* within, const float* dy, const float* xbc,
                                                   const float* step, const float2* sums, const float* product, int slices,
                                                   int batch, int length, int heads, int head_dim, int groups, int d_state) {
    map_gradient<BF16X3>(map, within, dy, xbc, step, sums, product, slices, batch, {length, heads, head_dim, groups, d_state});
}

extern "C" __global__ void __launch_bounds__(THREADS, 4) ssd_input_gradient_bf16x3(float* dxbc, float* direct, float* skips, const float* dy,
                                                     const float* xbc, const float* d, const float* step, const float2* sums,
                                                     const float* product, const float* gradients, int has_d_last,
                                                     int per_channel_d, int batch, int length, int heads, int head_dim,
                                                     int groups, int d_state) {
    input_gradient<BF16X3>(dxbc, direct, skips, dy, xbc, d, step, sums, product, gradients, has_d_last, per_channel_d, batch,
                           {length, heads, head_dim, groups, d_state});
}

extern "C" __global__ void __launch_bounds__(THREADS, 2) ssd_bc_gradient_bf16x3(float* dxbc, float* terms, const float* dy, const float* xbc,
                                                  const float* step, const float2* sums, const float* start,
                                                  const float* gradients, const float* map, int has_initial, int has_d_last,
                                                  int slices, int batch, int length, int heads, int head_dim, int groups,
                                                  int d_state) {
    bc_gradient<BF16X3>(dxbc, terms, dy, xbc, step, sums, start, gradients, map, has_initial, has_d_last, slices, batch,
                        {length, heads, head_dim, groups, d_state});
}
