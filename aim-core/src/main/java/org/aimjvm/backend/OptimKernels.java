package org.aimjvm.backend;

/** In-place parameter updates. */
public interface OptimKernels {

    /**
     * The numbers of one AdamW step.
     *
     * @param lr learning rate
     * @param beta1 decay of the mean of gradients, in [0, 1)
     * @param beta2 decay of the mean of squares, in [0, 1)
     * @param eps added to the root
     * @param weightDecay decoupled, times {@code lr}
     * @param gradScale factor of the gradients
     * @param step counted from 1
     */
    record AdamWStep(
            float lr, float beta1, float beta2, float eps, float weightDecay, float gradScale, int step) {
        /** {@code 1 - beta1^step}: what the mean of gradients lacks, as it starts from 0. */
        public float correction1() {
            return (float) (1 - Math.pow(beta1, step));
        }

        /** {@code 1 - beta2^step}: what the mean of squares lacks. */
        public float correction2() {
            return (float) (1 - Math.pow(beta2, step));
        }
    }

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
     * @param g gradients
     * @param n elements of each
     */
    void adamW(Storage w, Storage m, Storage v, Storage g, int n, AdamWStep s);

    /** {@code average = decay * average + (1 - decay) * w}; average Modified. */
    void ema(Storage average, Storage w, float decay, int n);
}
