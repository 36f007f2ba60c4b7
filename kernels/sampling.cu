// Draws tokens from logits: classifier-free guidance, temperature, top-k, top-p, min-p, and the first token at which the running sum
// of probabilities exceeds a random number times their total. Reference: sample/Sampler.java, whose order of sums this keeps: blocks of
// 64 tokens in four interleaved parts, then the blocks one after another. So equal logits and random numbers give equal tokens.
//
// One block of 1024 threads a picture. The logits of a picture (V = 16384: 64 KB) stay in L2, and are overwritten with guided logits
// and then with probabilities. What has to go one after another in f64 is done by one thread over V / 64 numbers.
//
// Top-k and top-p find their limit by counting the leading bits of all values, eight at a time, never by sorting. Weights below a limit
// are added as integers (units of 2^-49): such sums do not depend on the order in which threads add. They differ from the host's
// by less than 2^-35 of the greatest probability.
#include "common.cuh"

constexpr int THREADS = 1024;
constexpr int BLOCK = 64;  // tokens whose probabilities are added up first
constexpr int BUCKETS = 256;
constexpr double UNIT = 0x1p49;

struct Selection {
    unsigned count[BUCKETS];
    unsigned long long weight[BUCKETS];
    unsigned prefix;
    unsigned rank;
    unsigned long long below;
};

// A number whose unsigned order is the order of the floats; -0 and 0 are equal.
__device__ __forceinline__ unsigned order_of(float x) {
    int bits = __float_as_int(x + 0.0f);
    return static_cast<unsigned>(bits ^ ((bits >> 31) | static_cast<int>(0x80000000u)));
}

__device__ __forceinline__ float float_of_order(unsigned key) {
    int k = static_cast<int>(key);
    return __int_as_float(k ^ ((~k >> 31) | static_cast<int>(0x80000000u)));
}

__device__ __forceinline__ unsigned long long units(double weight) {
    return static_cast<unsigned long long>(weight * UNIT);
}

// Running sums over the buckets of `s`, in place: from the last one down with `down`, else from the first one up.
__device__ void scan(Selection& s, bool down) {
    int t = static_cast<int>(threadIdx.x);
    int at = down ? BUCKETS - 1 - t : t;
    for (int step = 1; step < BUCKETS; step *= 2) {
        unsigned count = 0;
        unsigned long long weight = 0;
        if (t < BUCKETS && t >= step) {
            int from = down ? at + step : at - step;
            count = s.count[from];
            weight = s.weight[from];
        }
        __syncthreads();
        if (t < BUCKETS) {
            s.count[at] += count;
            s.weight[at] += weight;
        }
        __syncthreads();
    }
}

__device__ void clear(Selection& s) {
    if (threadIdx.x < BUCKETS) {
        s.count[threadIdx.x] = 0;
        s.weight[threadIdx.x] = 0;
    }
    __syncthreads();
}

// The k-th largest of n values without NaN.
__device__ float kth_largest(Selection& s, const float* values, int n, int k) {
    if (threadIdx.x == 0) {
        s.prefix = 0;
        s.rank = static_cast<unsigned>(k);
    }
    unsigned mask = 0;
    for (int shift = 24; shift >= 0; shift -= 8) {
        clear(s);
        unsigned prefix = s.prefix, rank = s.rank;
        for (int i = static_cast<int>(threadIdx.x); i < n; i += THREADS) {
            unsigned key = order_of(values[i]);
            if ((key & mask) == prefix) atomicAdd(&s.count[key >> shift & 255u], 1u);
        }
        __syncthreads();
        scan(s, true);
        int t = static_cast<int>(threadIdx.x);
        if (t < BUCKETS) {
            unsigned above = t == BUCKETS - 1 ? 0 : s.count[t + 1];
            if (above < rank && s.count[t] >= rank) {
                s.prefix = prefix | static_cast<unsigned>(t) << shift;
                s.rank = rank - above;
            }
        }
        __syncthreads();
        mask |= 255u << shift;
    }
    return float_of_order(s.prefix);
}

// The least weight that stays when the smallest are dropped one after another as long as their sum is at most `limit`; the greatest
// always stays. `copies` of those equal to it go as well. Zeros do not count.
__device__ float least_kept(Selection& s, const float* weights, int n, unsigned long long limit, unsigned* copies) {
    if (threadIdx.x == 0) {
        s.prefix = 0;
        s.rank = 0;
        s.below = 0;
    }
    unsigned mask = 0;
    for (int shift = 24; shift >= 0; shift -= 8) {
        clear(s);
        unsigned prefix = s.prefix;
        unsigned long long below = s.below;
        for (int i = static_cast<int>(threadIdx.x); i < n; i += THREADS) {
            unsigned key = __float_as_uint(weights[i]); // positive floats are ordered like their bits
            if (key != 0 && (key & mask) == prefix) {
                atomicAdd(&s.count[key >> shift & 255u], 1u);
                atomicAdd(&s.weight[key >> shift & 255u], units(weights[i]));
            }
        }
        __syncthreads();
        scan(s, false);
        int t = static_cast<int>(threadIdx.x);
        unsigned before = 0, here = 0;
        unsigned long long weight_before = 0;
        bool found = false;
        if (t < BUCKETS) {
            before = t == 0 ? 0 : s.count[t - 1];
            weight_before = below + (t == 0 ? 0 : s.weight[t - 1]);
            here = s.count[t] - before;
            bool last = s.count[t] == s.count[BUCKETS - 1]; // nothing behind
            bool over = below + s.weight[t] > limit;
            // The first non-empty bucket that does not go as a whole, or the last non-empty one.
            found = here > 0 && (last || over) && (weight_before <= limit || before == 0);
        }
        __syncthreads();
        if (found) {
            s.prefix = prefix | static_cast<unsigned>(t) << shift;
            s.below = weight_before;
            s.rank = here;
        }
        __syncthreads();
        mask |= 255u << shift;
    }
    float least = __uint_as_float(s.prefix);
    unsigned long long each = units(least), left = s.below <= limit ? limit - s.below : 0;
    unsigned long long go = each == 0 ? s.rank : left / each;
    *copies = static_cast<unsigned>(min(go, static_cast<unsigned long long>(s.rank - 1)));
    return least;
}

// Sums of the blocks of 64 probabilities, then their running sums, in `sums`. Returns the total.
__device__ double sum_blocks(double* sums, const float* p, int n) {
    __shared__ double total;
    int blocks = (n + BLOCK - 1) / BLOCK;
    for (int b = static_cast<int>(threadIdx.x); b < blocks; b += THREADS) {
        int i = b * BLOCK, end = min(n, i + BLOCK);
        double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        for (; i <= end - 4; i += 4) {
            s0 += p[i];
            s1 += p[i + 1];
            s2 += p[i + 2];
            s3 += p[i + 3];
        }
        for (; i < end; i++) s0 += p[i];
        sums[b] = s0 + s1 + (s2 + s3);
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        double running = 0;
        for (int b = 0; b < blocks; b++) {
            running += sums[b];
            sums[b] = running;
        }
        total = running;
    }
    __syncthreads();
    double result = total;
    __syncthreads(); // before it is used again
    return result;
}

// The first of the 64 probabilities from `from` on at which the running sum exceeds the threshold, or the last that is not zero.
__device__ int find(const float* p, int n, int from, double before, double threshold) {
    double running = before;
    int last = from;
    for (int i = from; i < min(n, from + BLOCK); i++) {
        if (p[i] > 0) {
            running += p[i];
            last = i;
            if (running > threshold) return i;
        }
    }
    return last;
}

// Drops what is less than `least`, and the first `copies` that equal it. `counts`: scratch, a number a block of 64.
__device__ void drop_tail(float* p, double* counts, int n, float least, unsigned copies) {
    int blocks = (n + BLOCK - 1) / BLOCK;
    if (copies > 0) {
        for (int b = static_cast<int>(threadIdx.x); b < blocks; b += THREADS) {
            int equal = 0;
            for (int i = b * BLOCK; i < min(n, (b + 1) * BLOCK); i++) equal += p[i] == least;
            counts[b] = equal;
        }
        __syncthreads();
        if (threadIdx.x == 0) {
            double running = 0;
            for (int b = 0; b < blocks; b++) {
                double equal = counts[b];
                counts[b] = running;
                running += equal;
            }
        }
        __syncthreads();
    }
    for (int b = static_cast<int>(threadIdx.x); b < blocks; b += THREADS) {
        double earlier = copies > 0 ? counts[b] : 0;
        for (int i = b * BLOCK; i < min(n, (b + 1) * BLOCK); i++) {
            if (p[i] < least || (p[i] == least && earlier++ < copies)) p[i] = 0;
        }
    }
    __syncthreads();
}

extern "C" __global__ void __launch_bounds__(THREADS, 1) draw_tokens_f32(
        int* codes, int* tokens, const int* position, float* logits, double* sums, const int* uniforms, const float* scales,
        const int* forced, int pictures, int positions, int vocab, int guided, double temperature, int top_k, double top_p,
        float min_p) {
    __shared__ Selection selection;
    __shared__ float scratch[WARP];
    __shared__ int drawn;
    int picture = static_cast<int>(blockIdx.x);
    int thread = static_cast<int>(threadIdx.x);
    int t = *position;
    float* l = logits + static_cast<size_t>(picture) * vocab;
    const float* unconditional = logits + static_cast<size_t>(pictures + picture) * vocab;
    sums += static_cast<size_t>(picture) * ((vocab + BLOCK - 1) / BLOCK);
    int token = forced[t];
    if (token < 0) {
        float scale = scales[t];
        float greatest = -INFINITY;
        bool is_nan = false;
        for (int i = thread; i < vocab; i += THREADS) {
            float v = l[i];
            if (guided) {
                float u = unconditional[i];
                v = __fadd_rn(u, __fmul_rn(__fadd_rn(v, -u), scale)); // as the host rounds
                l[i] = v;
            }
            is_nan |= v != v;
            greatest = fmaxf(greatest, v);
        }
        greatest = block_max(greatest, scratch);
        bool wrong = __syncthreads_or(is_nan) || fabsf(greatest) == INFINITY;
        if (!wrong) { // the same for all threads
            if (top_k == 1) {
                for (int i = thread; i < vocab; i += THREADS) l[i] = l[i] == greatest ? 1.0f : 0.0f;
            } else {
                float least = top_k == 0 || top_k >= vocab ? -INFINITY : kth_largest(selection, l, vocab, top_k);
                double per_temperature = 1.0 / temperature;
                for (int i = thread; i < vocab; i += THREADS) {
                    float v = l[i];
                    l[i] = v < least ? 0.0f : static_cast<float>(exp(__dmul_rn(__fadd_rn(v, -greatest), per_temperature)));
                }
            }
            __syncthreads();
            double total = sum_blocks(sums, l, vocab);
            if (top_p < 1) {
                unsigned copies;
                float least = least_kept(selection, l, vocab, units((1.0 - top_p) * total), &copies);
                __syncthreads();
                drop_tail(l, sums, vocab, least, copies);
                total = sum_blocks(sums, l, vocab);
            }
            if (min_p > 0) {
                for (int i = thread; i < vocab; i += THREADS) l[i] = l[i] < min_p ? 0.0f : l[i];
                __syncthreads();
                total = sum_blocks(sums, l, vocab);
            }
            const int* bits = uniforms + 2 * (static_cast<size_t>(picture) * positions + t);
            unsigned long long high = static_cast<unsigned>(bits[0]), low = static_cast<unsigned>(bits[1]);
            double threshold = __dmul_rn(static_cast<double>(high << 32 | low) * 0x1p-53, total);
            if (thread == 0) drawn = -1;
            __syncthreads();
            int blocks = (vocab + BLOCK - 1) / BLOCK;
            for (int b = thread; b < blocks; b += THREADS) {
                double before = b == 0 ? 0 : sums[b - 1];
                bool reached = sums[b] > threshold && before <= threshold;
                // Rounding may leave the threshold unreached: then the last token with a probability.
                bool last = !(total > threshold) && sums[b] == total && before < total;
                if (reached || last) drawn = find(l, vocab, b * BLOCK, reached ? before : 0, reached ? threshold : INFINITY);
            }
            __syncthreads();
            token = drawn;
        }
    }
    if (thread == 0) {
        codes[static_cast<size_t>(picture) * positions + t] = token;
        int next = max(token, 0); // what follows a fault is not used, but must be a token
        tokens[picture] = next;
        if (guided) tokens[pictures + picture] = next;
    }
}

// After draw_tokens_f32, whose blocks all read the position.
extern "C" __global__ void advance_position_i32(int* position, int* rows, int sequences) {
    for (int i = static_cast<int>(threadIdx.x); i < sequences; i += static_cast<int>(blockDim.x)) rows[i]++;
    if (threadIdx.x == 0) (*position)++;
}
