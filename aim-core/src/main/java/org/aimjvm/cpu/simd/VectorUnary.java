package org.aimjvm.cpu.simd;

import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LE;
import static jdk.incubator.vector.VectorOperators.LT;
import static org.aimjvm.cpu.simd.Simd.F;
import static org.aimjvm.cpu.simd.Simd.LANES;

import jdk.incubator.vector.FloatVector;
import org.aimjvm.backend.ElementwiseKernels.Unary;

/**
 * The loops of {@link org.aimjvm.cpu.rows.VectorElementwiseKernels#unary} and its gradient over {@code [from, to)}. One
 * loop per function: a function object would box every vector. Tails use the scalar twin, so an element's bits do not
 * depend on its place.
 */
public final class VectorUnary {
    private VectorUnary() {}

    public static void forward(Unary f, float[] y, float[] x, int from, int to) {
        switch (f) {
            case SILU -> silu(y, x, from, to);
            case SIGMOID -> sigmoid(y, x, from, to);
            case SOFTPLUS -> softplus(y, x, from, to);
            case EXP -> exp(y, x, from, to);
            case LOG -> log(y, x, from, to);
            case RELU -> relu(y, x, from, to);
            case ABS -> abs(y, x, from, to);
            case SQUARE -> square(y, x, from, to);
        }
    }

    public static void backward(Unary f, float[] dx, float[] dy, float[] x, int from, int to) {
        switch (f) {
            case SILU -> siluBackward(dx, dy, x, from, to);
            case SIGMOID -> sigmoidBackward(dx, dy, x, from, to);
            case SOFTPLUS -> softplusBackward(dx, dy, x, from, to);
            case EXP -> expBackward(dx, dy, x, from, to);
            case LOG -> logBackward(dx, dy, x, from, to);
            case RELU -> reluBackward(dx, dy, x, from, to);
            case ABS -> absBackward(dx, dy, x, from, to);
            case SQUARE -> squareBackward(dx, dy, x, from, to);
        }
    }

    private static void silu(float[] y, float[] x, int from, int to) {
        int last = Simd.lastVector(to);
        int i = from;
        for (; i <= last; i += LANES) {
            VectorMath.silu(FloatVector.fromArray(F, x, i)).intoArray(y, i);
        }
        for (; i < to; i++) {
            y[i] = VectorMath.silu(x[i]);
        }
    }

    private static void siluBackward(float[] dx, float[] dy, float[] x, int from, int to) {
        int i = from;
        for (; i <= to - LANES; i += LANES) {
            FloatVector slope = VectorMath.siluDerivative(FloatVector.fromArray(F, x, i));
            FloatVector.fromArray(F, dy, i).mul(slope).intoArray(dx, i);
        }
        for (; i < to; i++) {
            dx[i] = dy[i] * VectorMath.siluDerivative(x[i]);
        }
    }

    private static void sigmoid(float[] y, float[] x, int from, int to) {
        int i = from;
        for (; i <= to - LANES; i += LANES) {
            VectorMath.sigmoid(FloatVector.fromArray(F, x, i)).intoArray(y, i);
        }
        for (; i < to; i++) {
            y[i] = VectorMath.sigmoid(x[i]);
        }
    }

    private static void sigmoidBackward(float[] dx, float[] dy, float[] x, int from, int to) {
        FloatVector one = FloatVector.broadcast(F, 1f);
        int i = from;
        for (; i <= to - LANES; i += LANES) {
            FloatVector s = VectorMath.sigmoid(FloatVector.fromArray(F, x, i));
            FloatVector.fromArray(F, dy, i).mul(s.mul(one.sub(s))).intoArray(dx, i);
        }
        for (; i < to; i++) {
            float s = VectorMath.sigmoid(x[i]);
            dx[i] = dy[i] * (s * (1 - s));
        }
    }

    private static void softplus(float[] y, float[] x, int from, int to) {
        int i = from;
        for (; i <= to - LANES; i += LANES) {
            VectorMath.softplus(FloatVector.fromArray(F, x, i)).intoArray(y, i);
        }
        for (; i < to; i++) {
            y[i] = VectorMath.softplus(x[i]);
        }
    }

    private static void softplusBackward(float[] dx, float[] dy, float[] x, int from, int to) {
        int i = from;
        for (; i <= to - LANES; i += LANES) { // sigmoid is 1 to F32 above 20, where softplus is the identity
            FloatVector slope = VectorMath.sigmoid(FloatVector.fromArray(F, x, i));
            FloatVector.fromArray(F, dy, i).mul(slope).intoArray(dx, i);
        }
        for (; i < to; i++) {
            dx[i] = dy[i] * VectorMath.sigmoid(x[i]);
        }
    }

    private static void exp(float[] y, float[] x, int from, int to) {
        int i = from;
        for (; i <= to - LANES; i += LANES) {
            VectorMath.exp(FloatVector.fromArray(F, x, i)).intoArray(y, i);
        }
        for (; i < to; i++) {
            y[i] = VectorMath.exp(x[i]);
        }
    }

    private static void expBackward(float[] dx, float[] dy, float[] x, int from, int to) {
        int i = from;
        for (; i <= to - LANES; i += LANES) {
            FloatVector slope = VectorMath.exp(FloatVector.fromArray(F, x, i));
            FloatVector.fromArray(F, dy, i).mul(slope).intoArray(dx, i);
        }
        for (; i < to; i++) {
            dx[i] = dy[i] * VectorMath.exp(x[i]);
        }
    }

    /** Element by element: only an optional loss of the tokenizer takes logarithms. */
    private static void log(float[] y, float[] x, int from, int to) {
        for (int i = from; i < to; i++) {
            y[i] = (float) Math.log(x[i]);
        }
    }

    private static void logBackward(float[] dx, float[] dy, float[] x, int from, int to) {
        int i = from;
        for (; i <= to - LANES; i += LANES) {
            FloatVector.fromArray(F, dy, i).div(FloatVector.fromArray(F, x, i)).intoArray(dx, i);
        }
        for (; i < to; i++) {
            dx[i] = dy[i] / x[i];
        }
    }

    private static void relu(float[] y, float[] x, int from, int to) {
        int i = from;
        for (; i <= to - LANES; i += LANES) { // not max(x, 0): NaN passes
            FloatVector v = FloatVector.fromArray(F, x, i);
            v.blend(0f, v.compare(LE, 0f)).intoArray(y, i);
        }
        for (; i < to; i++) {
            y[i] = x[i] <= 0 ? 0 : x[i];
        }
    }

    private static void reluBackward(float[] dx, float[] dy, float[] x, int from, int to) {
        FloatVector zero = FloatVector.zero(F);
        FloatVector one = FloatVector.broadcast(F, 1f);
        int i = from;
        for (; i <= to - LANES; i += LANES) {
            FloatVector slope = zero.blend(one, FloatVector.fromArray(F, x, i).compare(GT, 0f));
            FloatVector.fromArray(F, dy, i).mul(slope).intoArray(dx, i);
        }
        for (; i < to; i++) {
            dx[i] = dy[i] * (x[i] > 0 ? 1 : 0);
        }
    }

    private static void abs(float[] y, float[] x, int from, int to) {
        int i = from;
        for (; i <= to - LANES; i += LANES) {
            FloatVector.fromArray(F, x, i).abs().intoArray(y, i);
        }
        for (; i < to; i++) {
            y[i] = Math.abs(x[i]);
        }
    }

    private static void absBackward(float[] dx, float[] dy, float[] x, int from, int to) {
        int i = from;
        for (; i <= to - LANES; i += LANES) { // signum: zero and NaN stay themselves
            FloatVector v = FloatVector.fromArray(F, x, i);
            FloatVector sign = v.blend(1f, v.compare(GT, 0f)).blend(-1f, v.compare(LT, 0f));
            FloatVector.fromArray(F, dy, i).mul(sign).intoArray(dx, i);
        }
        for (; i < to; i++) {
            dx[i] = dy[i] * Math.signum(x[i]);
        }
    }

    private static void square(float[] y, float[] x, int from, int to) {
        int i = from;
        for (; i <= to - LANES; i += LANES) {
            FloatVector v = FloatVector.fromArray(F, x, i);
            v.mul(v).intoArray(y, i);
        }
        for (; i < to; i++) {
            y[i] = x[i] * x[i];
        }
    }

    private static void squareBackward(float[] dx, float[] dy, float[] x, int from, int to) {
        int i = from;
        for (; i <= to - LANES; i += LANES) {
            FloatVector v = FloatVector.fromArray(F, x, i);
            FloatVector.fromArray(F, dy, i).mul(v.add(v)).intoArray(dx, i);
        }
        for (; i < to; i++) {
            dx[i] = dy[i] * (2 * x[i]);
        }
    }
}
