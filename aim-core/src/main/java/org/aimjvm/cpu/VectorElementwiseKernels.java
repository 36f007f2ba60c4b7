package org.aimjvm.cpu;

import static org.aimjvm.cpu.HeapStorage.floats;
import static org.aimjvm.cpu.HeapStorage.floatsOrNull;
import static org.aimjvm.cpu.Simd.F;
import static org.aimjvm.cpu.Simd.LANES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import org.aimjvm.tensor.ElementwiseKernels;
import org.aimjvm.tensor.Storage;

/**
 * Pointwise kernels by vectors. All are bound by memory except {@link #unary}, so what matters is one pass over the data
 * and no hand-off to another thread for small tensors: a piece has about {@link #GRAIN} elements.
 *
 * <p>Each element is computed by the same IEEE operations as in {@link ScalarElementwiseKernels}, except exp and its
 * relatives; sums over rows are taken in F32 in blocks of {@link #SUM_ROWS} rows.
 */
final class VectorElementwiseKernels implements ElementwiseKernels {
    /** Elements of a piece: about 5 microseconds of work, some times the cost of waking a thread. */
    static final int GRAIN = 1 << 14;
    /** Rows that are added up one after another in {@link #sumRows}. */
    private static final int SUM_ROWS = 64;
    /** Columns of a piece of a sum over the length, so that few long sequences still give several pieces. */
    private static final int SUM_COLS = 256;

    private final Parallel parallel;
    private final Scratch partials = new Scratch();

    VectorElementwiseKernels(Parallel parallel) {
        this.parallel = parallel;
    }

    /** Rows of a piece of a matrix with {@code cols} columns. */
    static int rowGrain(int cols) {
        return Math.max(1, GRAIN / Math.max(1, cols));
    }

    @Override
    public void unary(Unary f, Storage y, Storage x, int n) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        parallel.forRange(n, GRAIN, (from, to) -> VectorUnary.forward(f, ys, xs, from, to));
    }

    @Override
    public void unaryBackward(Unary f, Storage dx, Storage dy, Storage x, int n) {
        float[] dxs = floats(dx);
        float[] dys = floats(dy);
        float[] xs = floats(x);
        parallel.forRange(n, GRAIN, (from, to) -> VectorUnary.backward(f, dxs, dys, xs, from, to));
    }

    @Override
    public void add(Storage y, Storage a, Storage b, int n) {
        float[] ys = floats(y);
        float[] as = floats(a);
        float[] bs = floats(b);
        parallel.forRange(n, GRAIN, (from, to) -> add(ys, from, as, from, bs, from, to - from));
    }

    @Override
    public void sub(Storage y, Storage a, Storage b, int n) {
        float[] ys = floats(y);
        float[] as = floats(a);
        float[] bs = floats(b);
        parallel.forRange(n, GRAIN, (from, to) -> {
            int i = from;
            for (; i <= to - LANES; i += LANES) {
                FloatVector.fromArray(F, as, i).sub(FloatVector.fromArray(F, bs, i)).intoArray(ys, i);
            }
            for (; i < to; i++) {
                ys[i] = as[i] - bs[i];
            }
        });
    }

    @Override
    public void mul(Storage y, Storage a, Storage b, int n) {
        float[] ys = floats(y);
        float[] as = floats(a);
        float[] bs = floats(b);
        parallel.forRange(n, GRAIN, (from, to) -> mul(ys, from, as, from, bs, from, to - from));
    }

    @Override
    public void affine(Storage y, Storage x, float alpha, float beta, int n) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        parallel.forRange(n, GRAIN, (from, to) -> {
            int i = from;
            for (; i <= to - LANES; i += LANES) {
                FloatVector.fromArray(F, xs, i).mul(alpha).add(beta).intoArray(ys, i);
            }
            for (; i < to; i++) {
                ys[i] = alpha * xs[i] + beta;
            }
        });
    }

    @Override
    public void axpy(Storage y, float alpha, Storage x, int n) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        parallel.forRange(n, GRAIN, (from, to) -> {
            int i = from;
            for (; i <= to - LANES; i += LANES) {
                FloatVector scaled = FloatVector.fromArray(F, xs, i).mul(alpha);
                FloatVector.fromArray(F, ys, i).add(scaled).intoArray(ys, i);
            }
            for (; i < to; i++) {
                ys[i] += alpha * xs[i];
            }
        });
    }

    @Override
    public void addBias(Storage y, Storage x, Storage bias, int rows, int cols) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        float[] bs = floats(bias);
        parallel.forRange(rows, rowGrain(cols), (from, to) -> {
            for (int r = from; r < to; r++) {
                add(ys, r * cols, xs, r * cols, bs, 0, cols);
            }
        });
    }

    @Override
    public void sumRows(Storage out, Storage x, int rows, int cols) {
        float[] os = floats(out);
        float[] xs = floats(x);
        Arrays.fill(os, 0, cols, 0f);
        int blocks = (rows + SUM_ROWS - 1) / SUM_ROWS;
        if (blocks <= 1) {
            for (int r = 0; r < rows; r++) {
                add(os, 0, os, 0, xs, r * cols, cols);
            }
            return;
        }
        float[] sums = partials.zeros(blocks * cols);
        int grain = Math.max(1, rowGrain(cols) / SUM_ROWS);
        parallel.forRange(blocks, grain, (from, to) -> {
            for (int b = from; b < to; b++) {
                for (int r = b * SUM_ROWS; r < Math.min(rows, (b + 1) * SUM_ROWS); r++) {
                    add(sums, b * cols, sums, b * cols, xs, r * cols, cols);
                }
            }
        });
        for (int b = 0; b < blocks; b++) {
            add(os, 0, os, 0, sums, b * cols, cols);
        }
    }

    @Override
    public void modulate(Storage y, Storage x, Storage shift, Storage scale, int batch, int length, int dim) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        float[] shifts = floats(shift);
        float[] scales = floats(scale);
        parallel.forRange(batch * length, rowGrain(dim), (from, to) -> {
            for (int r = from; r < to; r++) {
                modulate(ys, xs, r * dim, shifts, scales, r / length * dim, dim);
            }
        });
    }

    private static void modulate(float[] y, float[] x, int at, float[] shift, float[] scale, int cond, int dim) {
        int c = 0;
        for (; c <= dim - LANES; c += LANES) {
            FloatVector factor = FloatVector.fromArray(F, scale, cond + c).add(1f);
            FloatVector.fromArray(F, x, at + c)
                    .mul(factor)
                    .add(FloatVector.fromArray(F, shift, cond + c))
                    .intoArray(y, at + c);
        }
        for (; c < dim; c++) {
            y[at + c] = x[at + c] * (1 + scale[cond + c]) + shift[cond + c];
        }
    }

    @Override
    public void modulateBackward(
            Storage dx, Storage dShift, Storage dScale, Storage dy, Storage x, Storage scale, int batch, int length,
            int dim) {
        float[] dxs = floatsOrNull(dx);
        float[] dShifts = floatsOrNull(dShift);
        float[] dScales = floatsOrNull(dScale);
        float[] dys = floats(dy);
        float[] xs = floats(x);
        float[] scales = floats(scale);
        forColumnBlocks(batch, length, dim, (b, col, count) -> {
            int cond = b * dim + col;
            clear(dShifts, cond, count);
            clear(dScales, cond, count);
            for (int l = 0; l < length; l++) {
                int at = (b * length + l) * dim + col;
                if (dShifts != null) {
                    add(dShifts, cond, dShifts, cond, dys, at, count);
                }
                if (dScales != null) {
                    addProduct(dScales, cond, dys, xs, at, count);
                }
                if (dxs != null) {
                    mulOnePlus(dxs, dys, at, scales, cond, count);
                }
            }
        });
    }

    @Override
    public void gate(Storage y, Storage x, Storage g, int batch, int length, int dim) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        float[] gs = floats(g);
        parallel.forRange(batch * length, rowGrain(dim), (from, to) -> {
            for (int r = from; r < to; r++) {
                mul(ys, r * dim, xs, r * dim, gs, r / length * dim, dim);
            }
        });
    }

    @Override
    public void gateBackward(Storage dx, Storage dG, Storage dy, Storage x, Storage g, int batch, int length, int dim) {
        float[] dxs = floatsOrNull(dx);
        float[] dGs = floatsOrNull(dG);
        float[] dys = floats(dy);
        float[] xs = floats(x);
        float[] gs = floats(g);
        forColumnBlocks(batch, length, dim, (b, col, count) -> {
            int cond = b * dim + col;
            clear(dGs, cond, count);
            for (int l = 0; l < length; l++) {
                int at = (b * length + l) * dim + col;
                if (dGs != null) {
                    addProduct(dGs, cond, dys, xs, at, count);
                }
                if (dxs != null) {
                    mul(dxs, at, dys, at, gs, cond, count);
                }
            }
        });
    }

    @FunctionalInterface
    private interface ColumnBlock {
        void run(int batchIndex, int firstColumn, int count);
    }

    /** Runs {@code body} for every sequence and block of columns; a sum over the length stays within one call. */
    private void forColumnBlocks(int batch, int length, int dim, ColumnBlock body) {
        int blocks = (dim + SUM_COLS - 1) / SUM_COLS;
        int grain = Math.max(1, GRAIN / Math.max(1, length * Math.min(dim, SUM_COLS)));
        parallel.forRange(batch * blocks, grain, (from, to) -> {
            for (int i = from; i < to; i++) {
                int col = i % blocks * SUM_COLS;
                body.run(i / blocks, col, Math.min(SUM_COLS, dim - col));
            }
        });
    }

    @Override
    public void copyColumns(
            Storage dst, int dstCols, int dstFrom, Storage src, int srcCols, int srcFrom, int rows, int count) {
        float[] ds = floats(dst);
        float[] ss = floats(src);
        parallel.forRange(rows, rowGrain(count), (from, to) -> {
            for (int r = from; r < to; r++) {
                System.arraycopy(ss, r * srcCols + srcFrom, ds, r * dstCols + dstFrom, count);
            }
        });
    }

    @Override
    public double sum(Storage x, int n) {
        float[] xs = floats(x);
        double[] sums = new double[(n + GRAIN - 1) / GRAIN]; // one per 64 KiB of x
        parallel.forRange(n, GRAIN, (from, to) -> sums[from / GRAIN] = VectorSums.sum(xs, from, to - from));
        return total(sums);
    }

    @Override
    public double sumOfSquares(Storage x, int n) {
        float[] xs = floats(x);
        double[] sums = new double[(n + GRAIN - 1) / GRAIN];
        parallel.forRange(n, GRAIN, (from, to) -> sums[from / GRAIN] = VectorSums.dot(xs, from, xs, from, to - from));
        return total(sums);
    }

    private static double total(double[] sums) {
        double total = 0;
        for (double s : sums) {
            total += s;
        }
        return total;
    }

    @Override
    public void dropout(Storage y, Storage x, float p, long seed, int n) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        float keepScale = 1 / (1 - p);
        // not by vectors: 64-bit products have no instruction before AVX-512
        parallel.forRange(n, GRAIN / 4, (from, to) -> {
            for (int i = from; i < to; i++) {
                ys[i] = ScalarElementwiseKernels.dropoutKeeps(seed, i, p) ? xs[i] * keepScale : 0;
            }
        });
    }

    /** {@code y = a + b} for {@code count} elements from the given offsets on. */
    static void add(float[] y, int atY, float[] a, int atA, float[] b, int atB, int count) {
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            FloatVector.fromArray(F, a, atA + i).add(FloatVector.fromArray(F, b, atB + i)).intoArray(y, atY + i);
        }
        for (; i < count; i++) {
            y[atY + i] = a[atA + i] + b[atB + i];
        }
    }

    /** {@code y = a * b}, as {@link #add}. */
    private static void mul(float[] y, int atY, float[] a, int atA, float[] b, int atB, int count) {
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            FloatVector.fromArray(F, a, atA + i).mul(FloatVector.fromArray(F, b, atB + i)).intoArray(y, atY + i);
        }
        for (; i < count; i++) {
            y[atY + i] = a[atA + i] * b[atB + i];
        }
    }

    /** {@code y += a * b}. */
    private static void addProduct(float[] y, int atY, float[] a, float[] b, int at, int count) {
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            FloatVector.fromArray(F, a, at + i)
                    .fma(FloatVector.fromArray(F, b, at + i), FloatVector.fromArray(F, y, atY + i))
                    .intoArray(y, atY + i);
        }
        for (; i < count; i++) {
            y[atY + i] = Math.fma(a[at + i], b[at + i], y[atY + i]);
        }
    }

    /** {@code y = a * (1 + s)}. */
    private static void mulOnePlus(float[] y, float[] a, int at, float[] s, int atS, int count) {
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            FloatVector factor = FloatVector.fromArray(F, s, atS + i).add(1f);
            FloatVector.fromArray(F, a, at + i).mul(factor).intoArray(y, at + i);
        }
        for (; i < count; i++) {
            y[at + i] = a[at + i] * (1 + s[atS + i]);
        }
    }

    private static void clear(float[] x, int from, int count) {
        if (x != null) {
            Arrays.fill(x, from, from + count, 0f);
        }
    }
}
