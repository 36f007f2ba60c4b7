package org.aimjvm.backend;

/** State-space kernels: causal depthwise convolution, Mamba-2's SSD scan, Mamba-1's selective scan. */
public interface SsmKernels {

    /**
     * Causal depthwise convolution: {@code v_t = bias + sum over m of w[c, m] x[t - width + 1 + m, c]}, {@code y = silu(v)}
     * or {@code v}. Inputs before the start come from {@code state}, or are zero.
     *
     * @param y output (batch, length, channels)
     * @param x (batch, length, channels)
     * @param w (channels, width), oldest tap first
     * @param bias (channels), or {@code null}
     * @param state (batch, channels, width): the last {@code width} inputs, oldest first. Modified: left at the last
     *     inputs of this call. {@code null}: zeros before the start, nothing kept
     */
    void causalConv1d(
            Storage y,
            Storage x,
            Storage w,
            Storage bias,
            Storage state,
            int batch,
            int length,
            int channels,
            int width,
            boolean silu);

    /** Gradient of {@link #causalConv1d} without a state; {@code null} outputs are not wanted. */
    void causalConv1dBackward(
            Storage dx,
            Storage dw,
            Storage dBias,
            Storage dy,
            Storage x,
            Storage w,
            Storage bias,
            int batch,
            int length,
            int channels,
            int width,
            boolean silu);

    /**
     * Mamba-2's recurrence (Dao and Gu 2024, section 6). With {@code d_t = clamp(softplus(dt_t + dtBias))} and {@code A =
     * -exp(aLog)} per head:
     *
     * <pre>
     * S_t = exp(d_t A) S_{t-1} + d_t x_t B_t^T        S is (P, N)
     * y_t = S_t C_t + D x_t
     * </pre>
     *
     * Length 1 is the recurrent update; longer inputs may be computed in chunks. Both start from {@code initialState} and
     * leave {@code finalState}.
     *
     * <p>States are F32 or {@link DType#BF16}, both of one type. BF16 states are widened, and rounded to nearest even when they are
     * stored after the last element; between the elements of a call the state is F32, and no output depends on that rounding.
     *
     * @param y output (batch, length, H*P)
     * @param finalState output (batch, H, P, N), may be {@code initialState} itself; {@code null}: not wanted
     * @param xbc (batch, length, H*P + 2*G*N), the packed [x | B | C]
     * @param dt raw steps (batch, length, H)
     * @param dtBias (H)
     * @param aLog (H)
     * @param d (H) or (H, P); {@code null}: no skip
     * @param initialState (batch, H, P, N), or {@code null} for zeros
     * @throws IllegalArgumentException if the states are of two types
     */
    void ssdScan(
            Storage y,
            Storage finalState,
            Storage xbc,
            Storage dt,
            Storage dtBias,
            Storage aLog,
            Storage d,
            Storage initialState,
            SsdShape s);

    /**
     * Gradient of {@link #ssdScan} with F32 states, from {@code dy} and, unless {@code null}, {@code dFinalState}.
     *
     * @param dXbc output, as xbc
     * @param dDt output, as dt (raw)
     * @param dDtBias output (H)
     * @param dALog output (H)
     * @param dD output as d; {@code null} without d
     * @param dInitialState output as initialState; {@code null}: not wanted
     */
    void ssdScanBackward(
            Storage dXbc,
            Storage dDt,
            Storage dDtBias,
            Storage dALog,
            Storage dD,
            Storage dInitialState,
            Storage dy,
            Storage dFinalState,
            Storage xbc,
            Storage dt,
            Storage dtBias,
            Storage aLog,
            Storage d,
            Storage initialState,
            SsdShape s);

    /**
     * Mamba-1's selective scan (Gu and Dao 2023, algorithm 2). With {@code d_t = softplus(delta_t + deltaBias)} and {@code A
     * = -exp(aLog)}, per channel c and state n:
     *
     * <pre>
     * S_t[c,n] = exp(d_t[c] A[c,n]) S_{t-1}[c,n] + d_t[c] B_t[n] x_t[c]
     * y_t[c]   = sum over n of S_t[c,n] C_t[n] + D[c] x_t[c]
     * </pre>
     *
     * @param y output (batch, length, channels)
     * @param finalState output (batch, channels, N), may be {@code initialState}; {@code null}: not wanted
     * @param x (batch, length, channels)
     * @param delta raw steps (batch, length, channels)
     * @param deltaBias (channels), or {@code null}
     * @param aLog (channels, N)
     * @param bMat (batch, length, N)
     * @param cMat (batch, length, N)
     * @param d (channels), or {@code null}
     * @param initialState (batch, channels, N), or {@code null} for zeros
     */
    void selectiveScan(
            Storage y,
            Storage finalState,
            Storage x,
            Storage delta,
            Storage deltaBias,
            Storage aLog,
            Storage bMat,
            Storage cMat,
            Storage d,
            Storage initialState,
            int batch,
            int length,
            int channels,
            int dState);

    /** Gradient of {@link #selectiveScan}; {@code null} outputs are not wanted; {@code dFinalState} may be null. */
    void selectiveScanBackward(
            Storage dX,
            Storage dDelta,
            Storage dDeltaBias,
            Storage dALog,
            Storage dBMat,
            Storage dCMat,
            Storage dD,
            Storage dInitialState,
            Storage dy,
            Storage dFinalState,
            Storage x,
            Storage delta,
            Storage deltaBias,
            Storage aLog,
            Storage bMat,
            Storage cMat,
            Storage d,
            Storage initialState,
            int batch,
            int length,
            int channels,
            int dState);
}
