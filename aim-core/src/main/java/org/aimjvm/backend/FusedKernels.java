package org.aimjvm.backend;

/**
 * Several operations of a decoding step in one launch, for devices on which a launch costs as much as what it computes. Each gives the
 * bits of the kernels it stands for, called one after the other; an operation of {@code org.aimjvm.op} calls those where no gradient
 * is wanted and the sizes are taken here.
 */
public interface FusedKernels {

    /**
     * What {@link NormKernels#gateAddRmsNorm} is called with, but for its first output, for sequences of one element.
     *
     * @param sum output (batch, cols)
     * @param branch (batch, cols)
     * @param gate (batch, cols)
     * @param residual (batch, cols)
     * @param weight (cols)
     * @param shift (batch, cols); {@code null}: no modulation
     * @param scale as shift
     */
    record ResidualNorm(
            Storage sum, Storage branch, Storage gate, Storage residual, Storage weight, Storage shift, Storage scale,
            float eps) {}

    /**
     * Whether {@link #linearConv} takes such sizes.
     *
     * @param batch sequences, of one element each
     * @param width of the convolution
     */
    boolean takesLinearConv(int batch, int width);

    /**
     * {@link GemmKernels#linear} and {@link ElementwiseKernels#addBias}, the columns of the result cut in three, and the middle one
     * through {@link SsmKernels#causalConv1d} as one element of each sequence. With {@code v = x W^T + bias}:
     *
     * <pre>
     * before = v[:, 0 : columnsBefore]
     * convolved = f(causalConv1d(v[:, columnsBefore : columnsBefore + channels]))
     * after = v[:, columnsBefore + channels : ]
     * </pre>
     *
     * @param before output (batch, columnsBefore); {@code null} without columns
     * @param convolved output (batch, channels)
     * @param after output (batch, columnsAfter); {@code null} without columns
     * @param x (batch, in)
     * @param w (columnsBefore + channels + columnsAfter, in): plain F32, or from {@link Backend#weights}
     * @param bias of all columns, or {@code null}
     * @param convWeight (channels, width), oldest tap first
     * @param convBias (channels), or {@code null}
     * @param state (batch, channels, width), as of {@link SsmKernels#causalConv1d}. Modified
     * @param silu whether f is silu, else nothing
     */
    void linearConv(
            Storage before,
            Storage convolved,
            Storage after,
            Storage x,
            Storage w,
            Storage bias,
            Storage convWeight,
            Storage convBias,
            Storage state,
            int batch,
            int in,
            int columnsBefore,
            int channels,
            int columnsAfter,
            boolean silu);

    /**
     * Whether kernels that normalise before they multiply take such sizes.
     *
     * @param w what is multiplied by
     * @param rows of the activations
     * @param in their columns
     * @param groups of columns that are normalised by themselves, a divisor of {@code in}
     */
    boolean takesNormedLinear(Storage w, int rows, int in, int groups);

    /** {@link NormKernels#gateAddRmsNorm} and {@link #linearConv} of its first output, where both take the sizes. */
    void linearConv(
            Storage before,
            Storage convolved,
            Storage after,
            ResidualNorm x,
            Storage w,
            Storage bias,
            Storage convWeight,
            Storage convBias,
            Storage state,
            int batch,
            int in,
            int columnsBefore,
            int channels,
            int columnsAfter,
            boolean silu);

    /**
     * {@link NormKernels#gatedRmsNorm}, {@link GemmKernels#linear} and {@link ElementwiseKernels#addBias}: {@code y = gatedRmsNorm(x, z)
     * W^T + bias}.
     *
     * @param y output (rows, out)
     * @param x (rows, in)
     * @param z (rows, in)
     * @param normWeight (in)
     * @param w (out, in)
     * @param bias (out), or {@code null}
     */
    void gatedNormLinear(
            Storage y,
            Storage x,
            Storage z,
            Storage normWeight,
            Storage w,
            Storage bias,
            int rows,
            int out,
            int in,
            int groups,
            boolean normBeforeGate,
            float eps);
}
