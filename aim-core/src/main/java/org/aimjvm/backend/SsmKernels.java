package org.aimjvm.backend;

/** State-space kernels: causal depthwise convolution, Mamba-2's SSD scan, Mamba-1's selective scan. */
public interface SsmKernels {

    /**
     * Causal depthwise convolution: {@code v_t = bias + sum over m of w[c, m] x[t - width + 1 + m, c]}, {@code y =
     * silu(v)} or {@code v}. Inputs before the start come from {@code state}, or are zero.
     *
     * @param y output (batch, L, channels)
     * @param state (batch, channels, width): the last {@code width} inputs, oldest first. Modified: left at the last
     *     inputs of this call. {@code null}: zeros before the start, nothing kept
     */
    void causalConv1d(Storage y, Storage state, CausalConv1d.Inputs in, CausalConvShape s);

    /**
     * Gradient of {@link #causalConv1d} without a state.
     *
     * @param dy (batch, L, channels)
     */
    void causalConv1dBackward(CausalConv1d.Gradients out, Storage dy, CausalConv1d.Inputs in, CausalConvShape s);

    /**
     * Mamba-2's recurrence (Dao and Gu 2024, section 6). With {@code d_t = clamp(softplus(dt_t + dtBias))} and {@code A
     * = -exp(aLog)} per head:
     *
     * <pre>
     * S_t = exp(d_t A) S_{t-1} + d_t x_t B_t^T        S is (P, N)
     * y_t = S_t C_t + D x_t
     * </pre>
     *
     * Length 1 is the recurrent update; longer inputs may be computed in chunks. Both start from the initial state and
     * leave {@code finalState}.
     *
     * <p>States are F32 or {@link DType#BF16}, both of one type. BF16 states are widened, and rounded to nearest even
     * when they are stored after the last element; between the elements of a call the state is F32, and no output
     * depends on that rounding.
     *
     * @param y output (batch, L, H*P)
     * @param finalState output (batch, H, P, N), may be the initial state itself; {@code null}: not wanted
     * @throws IllegalArgumentException if the states are of two types
     */
    void ssdScan(Storage y, Storage finalState, SsdScan.Inputs in, SsdShape s);

    /**
     * Gradient of {@link #ssdScan} with F32 states.
     *
     * @param dy (batch, L, H*P)
     * @param dFinalState (batch, H, P, N); {@code null}: zeros
     */
    void ssdScanBackward(SsdScan.Gradients out, Storage dy, Storage dFinalState, SsdScan.Inputs in, SsdShape s);

    /**
     * Mamba-1's selective scan (Gu and Dao 2023, algorithm 2). With {@code d_t = softplus(delta_t + deltaBias)} and
     * {@code A = -exp(aLog)}, per channel c and state n:
     *
     * <pre>
     * S_t[c,n] = exp(d_t[c] A[c,n]) S_{t-1}[c,n] + d_t[c] B_t[n] x_t[c]
     * y_t[c]   = sum over n of S_t[c,n] C_t[n] + D[c] x_t[c]
     * </pre>
     *
     * @param y output (batch, L, channels)
     * @param finalState output (batch, channels, N), may be the initial state itself; {@code null}: not wanted
     */
    void selectiveScan(Storage y, Storage finalState, SelectiveScan.Inputs in, SelectiveShape s);

    /**
     * Gradient of {@link #selectiveScan}.
     *
     * @param dy (batch, L, channels)
     * @param dFinalState (batch, channels, N); {@code null}: zeros
     */
    void selectiveScanBackward(
            SelectiveScan.Gradients out, Storage dy, Storage dFinalState, SelectiveScan.Inputs in, SelectiveShape s);
}
