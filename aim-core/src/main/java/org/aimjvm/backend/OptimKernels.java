package org.aimjvm.backend;

/** In-place parameter updates. */
public interface OptimKernels {

    /**
     * One AdamW step (Loshchilov and Hutter 2019) with decoupled decay, on gradients multiplied by {@code gradScale}:
     *
     * <pre>
     * w -= lr weightDecay w
     * m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2
     * w -= lr (m / (1 - beta1^step)) / (sqrt(v / (1 - beta2^step)) + eps)
     * </pre>
     *
     * @param w Modified
     * @param m Modified
     * @param v Modified
     * @param step counted from 1
     */
    void adamW(
            Storage w,
            Storage m,
            Storage v,
            Storage g,
            int n,
            float lr,
            float beta1,
            float beta2,
            float eps,
            float weightDecay,
            float gradScale,
            int step);

    /** {@code average = decay * average + (1 - decay) * w}; average Modified. */
    void ema(Storage average, Storage w, float decay, int n);
}
