package org.aimjvm.cpu.rows;

import static org.aimjvm.cpu.memory.HeapStorage.floats;
import static org.aimjvm.cpu.memory.HeapStorage.floatsOrNull;
import static org.aimjvm.cpu.simd.Simd.F;
import static org.aimjvm.cpu.simd.Simd.LANES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import org.aimjvm.backend.ElementwiseKernels;
import org.aimjvm.backend.Storage;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.memory.Scratch;
import org.aimjvm.cpu.simd.Simd;
import org.aimjvm.cpu.scalar.ScalarElementwiseKernels;
import org.aimjvm.cpu.simd.VectorSums;
import org.aimjvm.cpu.simd.VectorUnary;

/**
 * Pointwise kernels by vectors. All are bound by memory except {@link #unary}, so what matters is one pass over the
 * data and no hand-off to another thread for small tensors: a piece has about {@link #GRAIN} elements.
 *
 * <p>Each element is computed by the same IEEE operations as in {@link ScalarElementwiseKernels}, except exp and its
 * relatives; sums over rows are taken in F32 in blocks of {@link #SUM_ROWS} rows.
 */
public final class VectorElementwiseKernels implements ElementwiseKernels {
    /** Elements of a piece: about 5 microseconds of work, some times the cost of waking a thread. */
    public static final int GRAIN = 1 << 14;
    /** Rows that are added up one after another in {@link #sumRows}. */
    private static final int SUM_ROWS = 64;

    private final Parallel parallel;
    private final VectorModulate conditional;
    private final Scratch partials = new Scratch();

    public VectorElementwiseKernels(Parallel parallel) {
        this.parallel = parallel;
        this.conditional = new VectorModulate(parallel);
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
    public void leakyRelu(Storage y, Storage x, float slope, int n) {
        leakyReluBackward(y, x, x, slope, n);
    }

    @Override
    public void leakyReluBackward(Storage dx, Storage dy, Storage x, float slope, int n) {
        float[] dxs = floats(dx);
        float[] dys = floats(dy);
        float[] xs = floats(x);
        parallel.forRange(n, GRAIN, (from, to) -> {
            int i = from;
            for (; i <= to - LANES; i += LANES) {
                FloatVector d = FloatVector.fromArray(F, dys, i);
                d.mul(slope).blend(d, FloatVector.fromArray(F, xs, i).compare(VectorOperators.GT, 0f)).intoArray(dxs,
                        i);
            }
            for (; i < to; i++) {
                dxs[i] = xs[i] > 0 ? dys[i] : dys[i] * slope;
            }
        });
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
        conditional.modulate(floats(y), floats(x), floats(shift), floats(scale), batch, length, dim);
    }

    @Override
    public void modulateBackward(
            ModulateGradients d, Storage dy, Storage x, Storage scale, int batch, int length, int dim) {
        conditional.modulateBackward(d, floats(dy), floats(x), floats(scale), batch, length, dim);
    }

    @Override
    public void gate(Storage y, Storage x, Storage g, int batch, int length, int dim) {
        conditional.gate(floats(y), floats(x), floats(g), batch, length, dim);
    }

    @Override
    public void gateBackward(Storage dx, Storage dG, Storage dy, Storage x, Storage g, int batch, int length, int dim) {
        conditional.gateBackward(floatsOrNull(dx), floatsOrNull(dG), floats(dy), floats(x), floats(g), batch, length,
                dim);
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
    public void splitColumns(Storage[] parts, int[] sizes, Storage x, int rows, int cols) {
        float[] xs = floats(x);
        float[][] to = arrays(parts);
        parallel.forRange(rows, rowGrain(cols), (first, last) -> {
            for (int r = first; r < last; r++) {
                for (int i = 0, from = r * cols; i < to.length; from += sizes[i++]) {
                    System.arraycopy(xs, from, to[i], r * sizes[i], sizes[i]);
                }
            }
        });
    }

    @Override
    public void joinColumns(Storage y, Storage[] parts, int[] sizes, int rows, int cols) {
        float[] ys = floats(y);
        float[][] from = arrays(parts);
        parallel.forRange(rows, rowGrain(cols), (first, last) -> {
            for (int r = first; r < last; r++) {
                for (int i = 0, at = r * cols; i < from.length; at += sizes[i++]) {
                    System.arraycopy(from[i], r * sizes[i], ys, at, sizes[i]);
                }
            }
        });
    }

    private static float[][] arrays(Storage[] storages) {
        float[][] arrays = new float[storages.length][];
        for (int i = 0; i < arrays.length; i++) {
            arrays[i] = floats(storages[i]);
        }
        return arrays;
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
        long least = (long) Math.ceil(p * 0x1p24); // the hash keeps an element if its upper 24 bits reach this
        // not by vectors: 64-bit products have no instruction before AVX-512; without a branch, which would be random
        parallel.forRange(n, GRAIN / 4, (from, to) -> {
            for (int i = from; i < to; i++) {
                int keep = ~(int) (ScalarElementwiseKernels.dropoutHash(seed, i) - least >> 63);
                ys[i] = Float.intBitsToFloat(Float.floatToRawIntBits(xs[i] * keepScale) & keep);
            }
        });
    }

    /** {@code y = a + b} for {@code count} elements from the given offsets on. */
    static void add(float[] y, int atY, float[] a, int atA, float[] b, int atB, int count) {
        int last = Simd.lastVector(count);
        int i = 0;
        for (; i <= last; i += LANES) {
            FloatVector.fromArray(F, a, atA + i).add(FloatVector.fromArray(F, b, atB + i)).intoArray(y, atY + i);
        }
        for (; i < count; i++) {
            y[atY + i] = a[atA + i] + b[atB + i];
        }
    }

    /** {@code y = a * b}, as {@link #add}. */
    static void mul(float[] y, int atY, float[] a, int atA, float[] b, int atB, int count) {
        int last = Simd.lastVector(count);
        int i = 0;
        for (; i <= last; i += LANES) {
            FloatVector.fromArray(F, a, atA + i).mul(FloatVector.fromArray(F, b, atB + i)).intoArray(y, atY + i);
        }
        for (; i < count; i++) {
            y[atY + i] = a[atA + i] * b[atB + i];
        }
    }
}
