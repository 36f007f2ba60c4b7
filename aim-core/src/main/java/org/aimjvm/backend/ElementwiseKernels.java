package org.aimjvm.backend;

/** Pointwise functions, the four named broadcasts (add, add bias, modulate, gate) and plain reductions. */
public interface ElementwiseKernels {

    /** A pointwise function of one variable. */
    enum Unary {
        /** x * sigmoid(x). */
        SILU,
        /** 1 / (1 + e^-x). */
        SIGMOID,
        /** log(1 + e^x), the identity for x &gt; 20. */
        SOFTPLUS,
        /** e^x. */
        EXP,
        /** Natural logarithm. */
        LOG,
        /** max(x, 0). */
        RELU,
        /** |x|; gradient 0 at 0. */
        ABS,
        /** x^2. */
        SQUARE
    }

    /**
     * Where the gradients of {@link #modulate} go. {@code null} outputs are not wanted.
     *
     * @param dx output (batch, length, dim)
     * @param dShift output (batch, dim)
     * @param dScale output (batch, dim)
     */
    record ModulateGradients(Storage dx, Storage dShift, Storage dScale) {}

    /** {@code y[i] = f(x[i])}; {@code y} may be {@code x}. */
    void unary(Unary f, Storage y, Storage x, int n);

    /** {@code dx[i] = dy[i] * f'(x[i])}; {@code dx} may be {@code dy}. */
    void unaryBackward(Unary f, Storage dx, Storage dy, Storage x, int n);

    /** {@code y[i] = x[i] > 0 ? x[i] : slope * x[i]}; {@code y} may be {@code x}. */
    void leakyRelu(Storage y, Storage x, float slope, int n);

    /** {@code dx[i] = x[i] > 0 ? dy[i] : slope * dy[i]}; {@code dx} may be {@code dy}. */
    void leakyReluBackward(Storage dx, Storage dy, Storage x, float slope, int n);

    /** {@code y[i] = a[i] + b[i]}; {@code y} may be {@code a} or {@code b}. */
    void add(Storage y, Storage a, Storage b, int n);

    /** {@code y[i] = a[i] - b[i]}; {@code y} may be {@code a} or {@code b}. */
    void sub(Storage y, Storage a, Storage b, int n);

    /** {@code y[i] = a[i] * b[i]}; {@code y} may be {@code a} or {@code b}. */
    void mul(Storage y, Storage a, Storage b, int n);

    /** {@code y[i] = alpha * x[i] + beta}; {@code y} may be {@code x}. */
    void affine(Storage y, Storage x, float alpha, float beta, int n);

    /** {@code y[i] += alpha * x[i]}; {@code y} Modified. */
    void axpy(Storage y, float alpha, Storage x, int n);

    /** {@code y[r, c] = x[r, c] + bias[c]}; {@code y} may be {@code x}. */
    void addBias(Storage y, Storage x, Storage bias, int rows, int cols);

    /** {@code out[c] = sum over r of x[r, c]}, in F32 by fixed blocks of rows. */
    void sumRows(Storage out, Storage x, int rows, int cols);

    /**
     * adaLN modulation, {@code y[b, l, c] = x[b, l, c] * (1 + scale[b, c]) + shift[b, c]}.
     *
     * @param x (batch, length, dim)
     * @param shift (batch, dim)
     * @param scale (batch, dim)
     */
    void modulate(Storage y, Storage x, Storage shift, Storage scale, int batch, int length, int dim);

    /**
     * Gradient of {@link #modulate}: {@code dx = dy (1 + scale)}, {@code dShift = sum over l of dy}, {@code dScale =
     * sum over l of dy x}.
     */
    void modulateBackward(
            ModulateGradients d, Storage dy, Storage x, Storage scale, int batch, int length, int dim);

    /** adaLN gate, {@code y[b, l, c] = x[b, l, c] * g[b, c]}; x is (batch, length, dim), g (batch, dim). */
    void gate(Storage y, Storage x, Storage g, int batch, int length, int dim);

    /** Gradient of {@link #gate}: {@code dx = dy g}, {@code dG = sum over l of dy x}; {@code null} is not wanted. */
    void gateBackward(Storage dx, Storage dG, Storage dy, Storage x, Storage g, int batch, int length, int dim);

    /**
     * Copies a block of columns: {@code dst[r, dstFrom + c] = src[r, srcFrom + c]} for {@code 0 <= c < count}; other
     * columns of {@code dst} keep their values. Split and concat are this kernel.
     */
    void copyColumns(
            Storage dst, int dstCols, int dstFrom, Storage src, int srcCols, int srcFrom, int rows, int count);

    /** Cuts rows into pieces: {@code parts[i][r, c] = x[r, sizes[0] + ... + sizes[i - 1] + c]}. */
    default void splitColumns(Storage[] parts, int[] sizes, Storage x, int rows, int cols) {
        for (int i = 0, from = 0; i < parts.length; from += sizes[i++]) {
            copyColumns(parts[i], sizes[i], 0, x, cols, from, rows, sizes[i]);
        }
    }

    /** Joins pieces to rows, the reverse of {@link #splitColumns}. */
    default void joinColumns(Storage y, Storage[] parts, int[] sizes, int rows, int cols) {
        for (int i = 0, from = 0; i < parts.length; from += sizes[i++]) {
            copyColumns(y, cols, from, parts[i], sizes[i], 0, rows, sizes[i]);
        }
    }

    /** Sum of all elements, accumulated in F64. */
    double sum(Storage x, int n);

    /** Sum of squares of all elements, accumulated in F64. */
    double sumOfSquares(Storage x, int n);

    /**
     * Inverted dropout, {@code y[i] = keep(seed, i) ? x[i] / (1 - p) : 0}, with the mask a pure function of {@code
     * seed} and {@code i}, so that the same call on the gradient is the backward pass. {@code y} may be {@code x}.
     */
    void dropout(Storage y, Storage x, float p, long seed, int n);
}
