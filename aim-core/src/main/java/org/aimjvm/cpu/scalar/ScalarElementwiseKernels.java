package org.aimjvm.cpu.scalar;

import static org.aimjvm.cpu.memory.HeapStorage.floats;
import static org.aimjvm.cpu.memory.HeapStorage.floatsOrNull;

import org.aimjvm.backend.ElementwiseKernels;
import org.aimjvm.backend.SplitMix64;
import org.aimjvm.backend.Storage;

/** Reference pointwise kernels, forward and backward side by side. */
public final class ScalarElementwiseKernels implements ElementwiseKernels {

    static float sigmoid(float x) {
        return (float) (1 / (1 + Math.exp(-x)));
    }

    /** log(1 + e^x), the identity above 20 as in the reference model. */
    static float softplus(float x) {
        return x > 20 ? x : (float) Math.log1p(Math.exp(x));
    }

    static float apply(Unary f, float x) {
        return switch (f) {
            case SILU -> x * sigmoid(x);
            case SIGMOID -> sigmoid(x);
            case SOFTPLUS -> softplus(x);
            case EXP -> (float) Math.exp(x);
            case LOG -> (float) Math.log(x);
            case RELU -> x <= 0 ? 0 : x; // NaN passes
            case ABS -> Math.abs(x);
            case SQUARE -> x * x;
        };
    }

    static float derivative(Unary f, float x) {
        return switch (f) {
            case SILU -> {
                float s = sigmoid(x);
                yield s * (1 + x * (1 - s));
            }
            case SIGMOID -> {
                float s = sigmoid(x);
                yield s * (1 - s);
            }
            case SOFTPLUS -> x > 20 ? 1 : sigmoid(x);
            case EXP -> (float) Math.exp(x);
            case LOG -> 1 / x;
            case RELU -> x > 0 ? 1 : 0;
            case ABS -> Math.signum(x);
            case SQUARE -> 2 * x;
        };
    }

    @Override
    public void unary(Unary f, Storage y, Storage x, int n) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        for (int i = 0; i < n; i++) {
            ys[i] = apply(f, xs[i]);
        }
    }

    @Override
    public void unaryBackward(Unary f, Storage dx, Storage dy, Storage x, int n) {
        float[] dxs = floats(dx);
        float[] dys = floats(dy);
        float[] xs = floats(x);
        for (int i = 0; i < n; i++) {
            dxs[i] = dys[i] * derivative(f, xs[i]);
        }
    }

    @Override
    public void leakyRelu(Storage y, Storage x, float slope, int n) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        for (int i = 0; i < n; i++) {
            ys[i] = xs[i] > 0 ? xs[i] : slope * xs[i];
        }
    }

    @Override
    public void leakyReluBackward(Storage dx, Storage dy, Storage x, float slope, int n) {
        float[] dxs = floats(dx);
        float[] dys = floats(dy);
        float[] xs = floats(x);
        for (int i = 0; i < n; i++) {
            dxs[i] = xs[i] > 0 ? dys[i] : slope * dys[i];
        }
    }

    @Override
    public void add(Storage y, Storage a, Storage b, int n) {
        float[] ys = floats(y);
        float[] as = floats(a);
        float[] bs = floats(b);
        for (int i = 0; i < n; i++) {
            ys[i] = as[i] + bs[i];
        }
    }

    @Override
    public void sub(Storage y, Storage a, Storage b, int n) {
        float[] ys = floats(y);
        float[] as = floats(a);
        float[] bs = floats(b);
        for (int i = 0; i < n; i++) {
            ys[i] = as[i] - bs[i];
        }
    }

    @Override
    public void mul(Storage y, Storage a, Storage b, int n) {
        float[] ys = floats(y);
        float[] as = floats(a);
        float[] bs = floats(b);
        for (int i = 0; i < n; i++) {
            ys[i] = as[i] * bs[i];
        }
    }

    @Override
    public void affine(Storage y, Storage x, float alpha, float beta, int n) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        for (int i = 0; i < n; i++) {
            ys[i] = alpha * xs[i] + beta;
        }
    }

    @Override
    public void axpy(Storage y, float alpha, Storage x, int n) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        for (int i = 0; i < n; i++) {
            ys[i] += alpha * xs[i];
        }
    }

    @Override
    public void addBias(Storage y, Storage x, Storage bias, int rows, int cols) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        float[] bs = floats(bias);
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < cols; c++) {
                ys[r * cols + c] = xs[r * cols + c] + bs[c];
            }
        }
    }

    @Override
    public void sumRows(Storage out, Storage x, int rows, int cols) {
        float[] os = floats(out);
        float[] xs = floats(x);
        for (int c = 0; c < cols; c++) {
            double sum = 0;
            for (int r = 0; r < rows; r++) {
                sum += xs[r * cols + c];
            }
            os[c] = (float) sum;
        }
    }

    @Override
    public void modulate(Storage y, Storage x, Storage shift, Storage scale, int batch, int length, int dim) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        float[] shifts = floats(shift);
        float[] scales = floats(scale);
        for (int b = 0; b < batch; b++) {
            for (int l = 0; l < length; l++) {
                for (int c = 0; c < dim; c++) {
                    int i = (b * length + l) * dim + c;
                    ys[i] = xs[i] * (1 + scales[b * dim + c]) + shifts[b * dim + c];
                }
            }
        }
    }

    @Override
    public void modulateBackward(
            ModulateGradients d, Storage dy, Storage x, Storage scale, int batch, int length, int dim) {
        float[] dxs = floatsOrNull(d.dx());
        float[] dShifts = floatsOrNull(d.dShift());
        float[] dScales = floatsOrNull(d.dScale());
        float[] dys = floats(dy);
        float[] xs = floats(x);
        float[] scales = floats(scale);
        for (int b = 0; b < batch; b++) {
            for (int c = 0; c < dim; c++) {
                double shiftSum = 0;
                double scaleSum = 0;
                for (int l = 0; l < length; l++) {
                    int i = (b * length + l) * dim + c;
                    shiftSum += dys[i];
                    scaleSum += (double) dys[i] * xs[i];
                    if (dxs != null) {
                        dxs[i] = dys[i] * (1 + scales[b * dim + c]);
                    }
                }
                if (dShifts != null) {
                    dShifts[b * dim + c] = (float) shiftSum;
                }
                if (dScales != null) {
                    dScales[b * dim + c] = (float) scaleSum;
                }
            }
        }
    }

    @Override
    public void gate(Storage y, Storage x, Storage g, int batch, int length, int dim) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        float[] gs = floats(g);
        for (int b = 0; b < batch; b++) {
            for (int l = 0; l < length; l++) {
                for (int c = 0; c < dim; c++) {
                    int i = (b * length + l) * dim + c;
                    ys[i] = xs[i] * gs[b * dim + c];
                }
            }
        }
    }

    @Override
    public void gateBackward(Storage dx, Storage dG, Storage dy, Storage x, Storage g, int batch, int length, int dim) {
        float[] dxs = floatsOrNull(dx);
        float[] dGs = floatsOrNull(dG);
        float[] dys = floats(dy);
        float[] xs = floats(x);
        float[] gs = floats(g);
        for (int b = 0; b < batch; b++) {
            for (int c = 0; c < dim; c++) {
                double sum = 0;
                for (int l = 0; l < length; l++) {
                    int i = (b * length + l) * dim + c;
                    sum += (double) dys[i] * xs[i];
                    if (dxs != null) {
                        dxs[i] = dys[i] * gs[b * dim + c];
                    }
                }
                if (dGs != null) {
                    dGs[b * dim + c] = (float) sum;
                }
            }
        }
    }

    @Override
    public void copyColumns(
            Storage dst, int dstCols, int dstFrom, Storage src, int srcCols, int srcFrom, int rows, int count) {
        float[] ds = floats(dst);
        float[] ss = floats(src);
        for (int r = 0; r < rows; r++) {
            System.arraycopy(ss, r * srcCols + srcFrom, ds, r * dstCols + dstFrom, count);
        }
    }

    @Override
    public double sum(Storage x, int n) {
        float[] xs = floats(x);
        double sum = 0;
        for (int i = 0; i < n; i++) {
            sum += xs[i];
        }
        return sum;
    }

    @Override
    public double sumOfSquares(Storage x, int n) {
        float[] xs = floats(x);
        double sum = 0;
        for (int i = 0; i < n; i++) {
            sum += (double) xs[i] * xs[i];
        }
        return sum;
    }

    @Override
    public void dropout(Storage y, Storage x, float p, long seed, int n) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        float keepScale = 1 / (1 - p);
        for (int i = 0; i < n; i++) {
            ys[i] = dropoutKeeps(seed, i, p) ? xs[i] * keepScale : 0;
        }
    }

    /** The mask of dropout: a hash of (seed, i) as a uniform number in [0, 1) is at least p. */
    static boolean dropoutKeeps(long seed, int i, float p) {
        return dropoutHash(seed, i) * 0x1p-24f >= p;
    }

    /** 24 random bits: the upper ones of the number that {@link SplitMix64} gives after {@code i} others. */
    public static long dropoutHash(long seed, int i) {
        return SplitMix64.mix(seed + i * SplitMix64.GAMMA) >>> 40;
    }
}
