package org.aimjvm.cpu.rows;

import static org.aimjvm.cpu.memory.HeapStorage.floatsOrNull;
import static org.aimjvm.cpu.rows.VectorElementwiseKernels.GRAIN;
import static org.aimjvm.cpu.rows.VectorElementwiseKernels.mul;
import static org.aimjvm.cpu.rows.VectorElementwiseKernels.rowGrain;
import static org.aimjvm.cpu.simd.Simd.F;
import static org.aimjvm.cpu.simd.Simd.LANES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import org.aimjvm.backend.ElementwiseKernels;
import org.aimjvm.backend.ElementwiseKernels.ModulateGradients;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.simd.Simd;

/**
 * adaLN's conditional maps by vectors, modulate and gate: rows of x with one row of factors per sequence. Their
 * gradients sum over the length, one sequence and block of columns at a time.
 */
final class VectorModulate {
    /** Pieces to have of a sum over the length: few long sequences are cut into blocks of columns as well. */
    private static final int SUM_PIECES = 16;
    /** Columns of such a block, at least, and a divisor of its width: short stretches of memory are read slowly. */
    private static final int MIN_SUM_COLS = 256;

    private final Parallel parallel;

    VectorModulate(Parallel parallel) {
        this.parallel = parallel;
    }

    /** {@link ElementwiseKernels#modulate}. */
    void modulate(float[] y, float[] x, float[] shift, float[] scale, int batch, int length, int dim) {
        parallel.forRange(batch * length, rowGrain(dim), (from, to) -> {
            for (int r = from; r < to; r++) {
                modulate(y, x, r * dim, shift, scale, r / length * dim, dim);
            }
        });
    }

    /** A row of modulate; {@code y} may be {@code x}. */
    static void modulate(float[] y, float[] x, int at, float[] shift, float[] scale, int cond, int dim) {
        int last = Simd.lastVector(dim);
        int c = 0;
        for (; c <= last; c += LANES) {
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

    /** {@link ElementwiseKernels#modulateBackward}. */
    void modulateBackward(
            ModulateGradients d, float[] dy, float[] x, float[] scale, int batch, int length, int dim) {
        float[] dx = floatsOrNull(d.dx());
        float[] dShift = floatsOrNull(d.dShift());
        float[] dScale = floatsOrNull(d.dScale());
        forColumnBlocks(batch, length, dim, (b, col, count) -> {
            int cond = b * dim + col;
            clear(dShift, cond, count);
            clear(dScale, cond, count);
            for (int l = 0; l < length; l++) {
                int at = (b * length + l) * dim + col;
                modulateBackwardRow(dx, dShift, dScale, dy, x, at, scale, cond, count);
            }
        });
    }

    /** {@code dShift += dy;  dScale += dy x;  dx = dy (1 + scale)}. */
    private static void modulateBackwardRow(
            float[] dx, float[] dShift, float[] dScale, float[] dy, float[] x, int at, float[] scale, int cond,
            int count) {
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            FloatVector d = FloatVector.fromArray(F, dy, at + i);
            if (dShift != null) {
                FloatVector.fromArray(F, dShift, cond + i).add(d).intoArray(dShift, cond + i);
            }
            if (dScale != null) {
                d.fma(FloatVector.fromArray(F, x, at + i), FloatVector.fromArray(F, dScale, cond + i))
                        .intoArray(dScale, cond + i);
            }
            if (dx != null) {
                d.mul(FloatVector.fromArray(F, scale, cond + i).add(1f)).intoArray(dx, at + i);
            }
        }
        for (; i < count; i++) {
            float d = dy[at + i];
            if (dShift != null) {
                dShift[cond + i] += d;
            }
            if (dScale != null) {
                dScale[cond + i] = Math.fma(d, x[at + i], dScale[cond + i]);
            }
            if (dx != null) {
                dx[at + i] = d * (1 + scale[cond + i]);
            }
        }
    }

    /** {@link ElementwiseKernels#gate}. */
    void gate(float[] y, float[] x, float[] g, int batch, int length, int dim) {
        parallel.forRange(batch * length, rowGrain(dim), (from, to) -> {
            for (int r = from; r < to; r++) {
                mul(y, r * dim, x, r * dim, g, r / length * dim, dim);
            }
        });
    }

    /** {@link ElementwiseKernels#gateBackward}. */
    void gateBackward(
            float[] dx, float[] dG, float[] dy, float[] x, float[] g, int batch, int length, int dim) {
        forColumnBlocks(batch, length, dim, (b, col, count) -> {
            int cond = b * dim + col;
            clear(dG, cond, count);
            for (int l = 0; l < length; l++) {
                int at = (b * length + l) * dim + col;
                gateBackwardRow(dx, dG, dy, x, at, g, cond, count);
            }
        });
    }

    /** {@code dG += dy x;  dx = dy g}. */
    private static void gateBackwardRow(
            float[] dx, float[] dG, float[] dy, float[] x, int at, float[] g, int cond, int count) {
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            FloatVector d = FloatVector.fromArray(F, dy, at + i);
            if (dG != null) {
                d.fma(FloatVector.fromArray(F, x, at + i), FloatVector.fromArray(F, dG, cond + i)).intoArray(dG,
                        cond + i);
            }
            if (dx != null) {
                d.mul(FloatVector.fromArray(F, g, cond + i)).intoArray(dx, at + i);
            }
        }
        for (; i < count; i++) {
            if (dG != null) {
                dG[cond + i] = Math.fma(dy[at + i], x[at + i], dG[cond + i]);
            }
            if (dx != null) {
                dx[at + i] = dy[at + i] * g[cond + i];
            }
        }
    }

    @FunctionalInterface
    private interface ColumnBlock {
        void run(int batchIndex, int firstColumn, int count);
    }

    /** Runs {@code body} for every sequence and block of columns; a sum over the length stays within one call. */
    private void forColumnBlocks(int batch, int length, int dim, ColumnBlock body) {
        int most = (dim + MIN_SUM_COLS - 1) / MIN_SUM_COLS;
        int wanted = (SUM_PIECES + batch - 1) / Math.max(1, batch);
        int width = (most + wanted - 1) / wanted * MIN_SUM_COLS;
        int blocks = (dim + width - 1) / width;
        int grain = Math.max(1, GRAIN / Math.max(1, length * Math.min(dim, width)));
        parallel.forRange(batch * blocks, grain, (from, to) -> {
            for (int i = from; i < to; i++) {
                int col = i % blocks * width;
                body.run(i / blocks, col, Math.min(width, dim - col));
            }
        });
    }

    private static void clear(float[] x, int from, int count) {
        if (x != null) {
            Arrays.fill(x, from, from + count, 0f);
        }
    }
}
