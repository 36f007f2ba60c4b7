package org.aimjvm.backend;

/** Normalisations. Means and variances are accumulated so that the error does not grow with the row length. */
public interface NormKernels {

    /**
     * {@code y = x / sqrt(mean(x^2) + eps) * weight}, per row.
     *
     * @param invRms output (rows): 1 / sqrt(mean(x^2) + eps), kept for the gradient
     */
    void rmsNorm(Storage y, Storage invRms, Storage x, Storage weight, int rows, int cols, float eps);

    /**
     * What stands between two mixers, each row read and written once: {@code sum[b, l] = branch[b, l] * gate[b] + residual[b, l]} and
     * {@code y = sum / sqrt(mean(sum^2) + eps) * weight}, then {@code y * (1 + scale[b]) + shift[b]}. The bits of gate, add, {@link
     * #rmsNorm} and modulate one after the other.
     *
     * @param y output (batch, length, cols)
     * @param sum output, as y
     * @param branch as y
     * @param gate (batch, cols)
     * @param residual as y
     * @param weight (cols)
     * @param shift (batch, cols); {@code null}: no modulation
     * @param scale as shift
     */
    void gateAddRmsNorm(
            Storage y,
            Storage sum,
            Storage branch,
            Storage gate,
            Storage residual,
            Storage weight,
            Storage shift,
            Storage scale,
            int batch,
            int length,
            int cols,
            float eps);

    /** Gradient of {@link #rmsNorm}; {@code dWeight} (cols) sums over rows; {@code null} outputs are not wanted. */
    void rmsNormBackward(
            Storage dx, Storage dWeight, Storage dy, Storage x, Storage weight, Storage invRms, int rows, int cols);

    /**
     * Mamba-2's gated norm. Gate first: {@code v = x * silu(z)}; then {@code y = v / sqrt(mean over the group of v^2 + eps)
     * * weight} (published models); or norm first: {@code y = rmsnorm_group(x) * weight * silu(z)} with {@code
     * normBeforeGate}. Statistics over {@code cols / groups} neighbouring columns.
     *
     * @param invRms output (rows, groups), kept for the gradient
     */
    void gatedRmsNorm(
            Storage y,
            Storage invRms,
            Storage x,
            Storage z,
            Storage weight,
            int rows,
            int cols,
            int groups,
            boolean normBeforeGate,
            float eps);

    /** Gradient of {@link #gatedRmsNorm}; {@code null} outputs are not wanted. */
    void gatedRmsNormBackward(
            Storage dx,
            Storage dz,
            Storage dWeight,
            Storage dy,
            Storage x,
            Storage z,
            Storage weight,
            Storage invRms,
            int rows,
            int cols,
            int groups,
            boolean normBeforeGate);

    /**
     * {@code y = (x - mean) / sqrt(var + eps) * weight + bias}, per row.
     *
     * @param stats output (rows, 2): mean and 1 / sqrt(var + eps), kept for the gradient
     */
    void layerNorm(Storage y, Storage stats, Storage x, Storage weight, Storage bias, int rows, int cols, float eps);

    /** Gradient of {@link #layerNorm}; {@code null} outputs are not wanted. */
    void layerNormBackward(
            Storage dx,
            Storage dWeight,
            Storage dBias,
            Storage dy,
            Storage x,
            Storage weight,
            Storage stats,
            int rows,
            int cols);

    /**
     * GroupNorm over NCHW, optionally followed by silu: {@code y = f((x - mean_g) / sqrt(var_g + eps) * weight[c] +
     * bias[c])}, statistics over the {@code channels / groups} channels of a group and all {@code area} pixels.
     *
     * @param y output, or {@code null} if only {@code stats} are wanted
     * @param stats output (batch, groups, 2): mean and 1 / sqrt(var + eps), kept for the gradient
     */
    void groupNorm(
            Storage y,
            Storage stats,
            Storage x,
            Storage weight,
            Storage bias,
            int batch,
            int channels,
            int area,
            int groups,
            float eps,
            boolean silu);

    /** Gradient of {@link #groupNorm}; {@code null} outputs are not wanted. */
    void groupNormBackward(
            Storage dx,
            Storage dWeight,
            Storage dBias,
            Storage dy,
            Storage x,
            Storage weight,
            Storage bias,
            Storage stats,
            int batch,
            int channels,
            int area,
            int groups,
            boolean silu);

    /**
     * {@code y = x / max(|x|, eps)}, per row.
     *
     * @param invNorm output (rows): 1 / max(|x|, eps), kept for the gradient
     */
    void l2Normalize(Storage y, Storage invNorm, Storage x, int rows, int cols, float eps);

    /** Gradient of {@link #l2Normalize}: {@code dx = (dy - y <dy, y>) invNorm}, without the projection where clipped. */
    void l2NormalizeBackward(Storage dx, Storage dy, Storage y, Storage invNorm, int rows, int cols, float eps);
}
