package org.aimjvm.backend;

/** Normalisations. Means and variances are accumulated so that the error does not grow with the row length. */
public interface NormKernels {

    /**
     * Sizes of a {@link #gatedRmsNorm}.
     *
     * @param groups statistics are over {@code cols / groups} neighbouring columns
     * @param normBeforeGate {@code rmsnorm(x) * weight * silu(z)} in place of {@code rmsnorm(x * silu(z)) * weight}
     */
    record GatedShape(int rows, int cols, int groups, boolean normBeforeGate) {
        /** @throws IllegalArgumentException if {@code groups} is no divisor of {@code cols} */
        public GatedShape {
            if (groups < 1 || cols % groups != 0) {
                throw new IllegalArgumentException("groups: " + groups + " (expected a divisor of " + cols + ")");
            }
        }

        /** Columns of a group. */
        public int width() {
            return cols / groups;
        }
    }

    /**
     * Sizes of a {@link #groupNorm} over NCHW.
     *
     * @param area pixels of a channel
     * @param groups statistics are over {@code channels / groups} channels
     */
    record GroupShape(int batch, int channels, int area, int groups) {
        /** @throws IllegalArgumentException if {@code groups} is no divisor of {@code channels} */
        public GroupShape {
            if (groups < 1 || channels % groups != 0) {
                throw new IllegalArgumentException(
                        "groups: " + groups + " (expected a divisor of " + channels + " channels)");
            }
        }

        /** Channels of a group. */
        public int width() {
            return channels / groups;
        }
    }

    /**
     * Sizes of pictures whose channels have statistics of their own.
     *
     * @param area pixels of a channel of a picture
     */
    record ChannelShape(int batch, int channels, int area) {
        /** Elements of a channel in all pictures. */
        public int count() {
            return batch * area;
        }
    }

    /**
     * Where the gradients of {@link #layerNorm}, {@link #groupNorm} and {@link #batchNorm} go. {@code null} outputs are not wanted.
     *
     * @param dx output, as x
     * @param dWeight output, as weight: the sum over all that the weight is applied to
     * @param dBias output, as bias
     */
    record Gradients(Storage dx, Storage dWeight, Storage dBias) {}

    /**
     * Where the gradients of {@link #gatedRmsNorm} go. {@code null} outputs are not wanted.
     *
     * @param dx output, as x
     * @param dz output, as z
     * @param dWeight output (cols): the sum over rows
     */
    record GatedGradients(Storage dx, Storage dz, Storage dWeight) {}

    /**
     * {@code y = x / sqrt(mean(x^2) + eps) * weight}, per row.
     *
     * @param invRms output (rows): 1 / sqrt(mean(x^2) + eps), kept for the gradient
     */
    void rmsNorm(Storage y, Storage invRms, Storage x, Storage weight, int rows, int cols, float eps);

    /**
     * Gated sum, norm and modulation between two mixers, each row read and written once: {@code sum[b, l] = branch[b,
     * l] * gate[b] + residual[b, l]} and {@code y = sum / sqrt(mean(sum^2) + eps) * weight}, then {@code y * (1 +
     * scale[b]) + shift[b]}. The bits of gate, add, {@link #rmsNorm} and modulate one after the other.
     *
     * @param y output (batch, length, cols)
     * @param r its sum, branch and residual are as y
     */
    void gateAddRmsNorm(Storage y, FusedKernels.ResidualNorm r, int batch, int length, int cols);

    /** Gradient of {@link #rmsNorm}; {@code dWeight} (cols) sums over rows; {@code null} outputs are not wanted. */
    void rmsNormBackward(
            Storage dx, Storage dWeight, Storage dy, Storage x, Storage weight, Storage invRms, int rows, int cols);

    /**
     * Mamba-2's gated norm. Gate first: {@code v = x * silu(z)}; then {@code y = v / sqrt(mean over the group of v^2 +
     * eps) * weight} (published models); or norm first: {@code y = rmsnorm_group(x) * weight * silu(z)}, as {@code s}
     * says.
     *
     * @param invRms output (rows, groups), kept for the gradient
     * @param x (rows, cols)
     * @param z (rows, cols)
     * @param weight (cols)
     */
    void gatedRmsNorm(
            Storage y,
            Storage invRms,
            Storage x,
            Storage z,
            Storage weight,
            GatedShape s,
            float eps);

    /** Gradient of {@link #gatedRmsNorm}. */
    void gatedRmsNormBackward(
            GatedGradients d, Storage dy, Storage x, Storage z, Storage weight, Storage invRms, GatedShape s);

    /**
     * {@code y = (x - mean) / sqrt(var + eps) * weight + bias}, per row.
     *
     * @param stats output (rows, 2): mean and 1 / sqrt(var + eps), kept for the gradient
     */
    void layerNorm(Storage y, Storage stats, Storage x, Storage weight, Storage bias, int rows, int cols, float eps);

    /** Gradient of {@link #layerNorm}. */
    void layerNormBackward(
            Gradients d, Storage dy, Storage x, Storage weight, Storage stats, int rows, int cols);

    /**
     * GroupNorm over NCHW, optionally followed by silu: {@code y = f((x - mean_g) / sqrt(var_g + eps) * weight[c] +
     * bias[c])}, statistics over the {@code channels / groups} channels of a group and all {@code area} pixels.
     *
     * @param y output, or {@code null} if only {@code stats} are wanted
     * @param stats output (batch, groups, 2): mean and 1 / sqrt(var + eps), kept for the gradient
     * @param x (batch, channels, area)
     * @param weight (channels)
     * @param bias (channels)
     */
    void groupNorm(
            Storage y,
            Storage stats,
            Storage x,
            Storage weight,
            Storage bias,
            GroupShape s,
            float eps,
            boolean silu);

    /** Gradient of {@link #groupNorm}. */
    void groupNormBackward(
            Gradients d,
            Storage dy,
            Storage x,
            Storage weight,
            Storage bias,
            Storage stats,
            GroupShape s,
            boolean silu);

    /**
     * Mean and variance of each channel over the pixels of all pictures, {@code var = mean of (x - mean)^2}, summed in
     * F64.
     *
     * @param mean output (channels)
     * @param variance output (channels)
     * @param x (batch, channels, area)
     */
    void channelMoments(Storage mean, Storage variance, Storage x, ChannelShape s);

    /** Batch normalisation with given statistics: {@code y = (x - mean) / sqrt(variance + eps) weight + bias}. */
    void batchNorm(
            Storage y, Storage x, Storage weight, Storage bias, Storage mean, Storage variance, ChannelShape s,
            float eps);

    /**
     * Gradient of {@link #batchNorm}. With {@code n = (x - mean) / sqrt(variance + eps)}: {@code dWeight = sum of dy n},
     * {@code dBias = sum of dy}, {@code dx = weight / sqrt(variance + eps) (dy - mean of dy - n mean of dy n)}, means
     * over all pixels of a channel; without those two means if the statistics are constants.
     *
     * @param constant whether mean and variance are not those of x
     */
    void batchNormBackward(
            Gradients d, Storage dy, Storage x, Storage weight, Storage mean, Storage variance, ChannelShape s,
            float eps, boolean constant);

    /**
     * {@code y = x / max(|x|, eps)}, per row.
     *
     * @param invNorm output (rows): 1 / max(|x|, eps), kept for the gradient
     */
    void l2Normalize(Storage y, Storage invNorm, Storage x, int rows, int cols, float eps);

    /**
     * Gradient of {@link #l2Normalize}: {@code dx = (dy - y <dy, y>) invNorm}, without the projection where clipped.
     */
    void l2NormalizeBackward(Storage dx, Storage dy, Storage y, Storage invNorm, int rows, int cols, float eps);
}
