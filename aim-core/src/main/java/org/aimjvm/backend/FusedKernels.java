package org.aimjvm.backend;

import static java.util.Objects.requireNonNull;

/**
 * Several operations of a decoding step in one launch, for devices on which a launch costs as much as what it computes.
 * Each gives the bits of the kernels it stands for, called one after the other; an operation of {@code org.aimjvm.op}
 * calls those where no gradient is wanted and the sizes are taken here.
 */
public interface FusedKernels {

    /**
     * What {@link NormKernels#gateAddRmsNorm} is called with, but for its first output, for sequences of one element.
     *
     * @param sum output
     * @param shift {@code null}: no modulation
     * @param scale as shift
     */
    record ResidualNorm(
            Storage sum, // (batch, cols)
            Storage branch, // (batch, cols)
            Storage gate, // (batch, cols)
            Storage residual, // (batch, cols)
            Storage weight, // (cols)
            Storage shift, // (batch, cols)
            Storage scale, // (batch, cols)
            float eps) {}

    /** What {@link NormKernels#gatedRmsNorm} is called with, but for its output. */
    record GatedNorm(
            Storage x, // (rows, in)
            Storage z, // (rows, in)
            Storage weight, // (in)
            int groups,
            boolean normBeforeGate,
            float eps) {}

    /**
     * Parameters of a linear layer whose output is cut in three, and of the convolution of the middle piece.
     *
     * @param w plain F32, or from {@link Backend#weights}
     * @param bias of all columns, or {@code null}
     * @param convWeight oldest tap first
     * @param convBias {@code null}: none
     * @param silu whether silu follows the convolution
     */
    record ConvLayer(
            Storage w, // (columns of all pieces, in)
            Storage bias, // (columns of all pieces)
            Storage convWeight, // (channels, width)
            Storage convBias, // (channels)
            boolean silu) {

        /** @throws NullPointerException if one that is not optional is {@code null} */
        public ConvLayer {
            requireNonNull(w, "linearConv: w");
            requireNonNull(convWeight, "linearConv: convWeight");
        }
    }

    /**
     * Outputs of a linear layer whose output is cut in three.
     *
     * @param before {@code null} without columns
     * @param convolved the piece that is convolved
     * @param after {@code null} without columns
     */
    record Pieces(
            Storage before, // (batch, columnsBefore)
            Storage convolved, // (batch, channels)
            Storage after, // (batch, columnsAfter)
            int columnsBefore,
            int channels,
            int columnsAfter) {

        /**
         * @throws IllegalArgumentException if a number of columns is negative, or there are columns without an output
         */
        public Pieces {
            requireNonNull(convolved, "linearConv: convolved");
            if (columnsBefore < 0 || channels < 0 || columnsAfter < 0 || before == null && columnsBefore > 0
                    || after == null && columnsAfter > 0) {
                throw new IllegalArgumentException("linearConv: columns " + columnsBefore + ", " + channels + ", "
                        + columnsAfter + " (expected those of the outputs, 0 without one)");
            }
        }

        /** Columns of all pieces. */
        public int columns() {
            return columnsBefore + channels + columnsAfter;
        }
    }

    /**
     * Whether {@link #linearConv} takes such sizes.
     *
     * @param batch sequences, of one element each
     * @param width of the convolution
     */
    boolean takesLinearConv(int batch, int width);

    /**
     * {@link GemmKernels#linear} and {@link ElementwiseKernels#addBias}, the columns of the result cut in three, and
     * the middle one through {@link SsmKernels#causalConv1d} as one element of each sequence. With {@code v = x W^T +
     * bias}:
     *
     * <pre>
     * before = v[:, 0 : columnsBefore]
     * convolved = f(causalConv1d(v[:, columnsBefore : columnsBefore + channels]))
     * after = v[:, columnsBefore + channels : ]
     * </pre>
     *
     * where f is silu or nothing.
     *
     * @param y outputs
     * @param state (batch, channels, width), as of {@link SsmKernels#causalConv1d}. Modified
     * @param x (batch, in)
     */
    void linearConv(Pieces y, Storage state, Storage x, ConvLayer layer, int batch, int in);

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
    void linearConv(Pieces y, Storage state, ResidualNorm x, ConvLayer layer, int batch, int in);

    /**
     * {@link NormKernels#gatedRmsNorm}, {@link GemmKernels#linear} and {@link ElementwiseKernels#addBias}: {@code y =
     * gatedRmsNorm(x, z) W^T + bias}.
     *
     * @param y output (rows, out)
     * @param w (out, in)
     * @param bias (out), or {@code null}
     */
    void gatedNormLinear(Storage y, GatedNorm x, Storage w, Storage bias, int rows, int out, int in);
}
