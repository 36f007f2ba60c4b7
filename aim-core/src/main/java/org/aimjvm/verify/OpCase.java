package org.aimjvm.verify;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.backend.WeightMatrix;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;

/**
 * One operation at one size: what the cross-backend test, the gradient test and the benchmarks run.
 *
 * @param name operation and sizes, e.g. {@code linear 7x33 -> 5}
 * @param inputs what it is called with
 * @param tolerance limit of the normalised error, {@code |a - b| / |b|} over all elements (Euclidean norms), against
 *     the scalar backend in F32
 * @param op the operation; from inputs to outputs, integer outputs allowed
 */
public record OpCase(String name, List<Input> inputs, double tolerance, Function<Tensor[], Tensor[]> op) {

    /**
     * One input.
     *
     * @param kind what it holds
     * @param low least value (inclusive)
     * @param high greatest value (exclusive)
     */
    public record Input(Shape shape, Kind kind, double low, double high) {}

    /** What an input holds. */
    public enum Kind {
        /** F32 that wants a gradient. */
        DIFFERENTIABLE,
        /** F32 that wants none. */
        CONSTANT,
        /** I32. */
        INTS
    }

    /** F32 uniform in [-1, 1) that wants a gradient. */
    public static Input x(int... dims) {
        return new Input(Shape.of(dims), Kind.DIFFERENTIABLE, -1, 1);
    }

    /** F32 uniform in [low, high) that wants a gradient. */
    public static Input in(double low, double high, int... dims) {
        return new Input(Shape.of(dims), Kind.DIFFERENTIABLE, low, high);
    }

    /** F32 uniform in [low, high) without gradient. */
    public static Input constant(double low, double high, int... dims) {
        return new Input(Shape.of(dims), Kind.CONSTANT, low, high);
    }

    /** I32 uniform in [0, bound). */
    public static Input ints(int bound, int... dims) {
        return new Input(Shape.of(dims), Kind.INTS, 0, bound);
    }

    /** A case with one output and the usual tolerance, 1e-5. */
    public static OpCase of(String name, Function<Tensor[], Tensor> op, Input... inputs) {
        return of(name, 1e-5, op, inputs);
    }

    /** A case with one output. */
    public static OpCase of(String name, double tolerance, Function<Tensor[], Tensor> op, Input... inputs) {
        return new OpCase(name, List.of(inputs), tolerance, xs -> new Tensor[] {op.apply(xs)});
    }

    /**
     * An operation as a generating model calls it, with no gradient tracked: what a device does in fewer launches only
     * there.
     */
    static Function<Tensor[], Tensor[]> inference(Function<Tensor[], Tensor[]> op) {
        return xs -> {
            try (Scope scope = Scope.inference()) {
                Tensor[] ys = op.apply(xs);
                for (Tensor y : ys) {
                    scope.keep(y);
                }
                return ys;
            }
        };
    }

    /** A weight matrix (out, in) as a frozen one. */
    static Tensor onlyRead(Tensor w, WeightFormat format) {
        float[] values = w.toFloats();
        return Tensor.weights(
                w.backend(), new WeightMatrix.Floats(w.dim(0), w.dim(1), WeightFormat.F32, () -> values), format);
    }

    /** The inputs filled from {@code seed}; differentiable ones as parameters. */
    public Tensor[] makeInputs(Backend backend, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        List<Tensor> tensors = new ArrayList<>();
        for (Input in : inputs) {
            int n = in.shape.size();
            if (in.kind == Kind.INTS) {
                int[] values = new int[n];
                for (int i = 0; i < n; i++) {
                    values[i] = random.nextInt((int) in.low, (int) in.high);
                }
                tensors.add(Tensor.ofInts(backend, in.shape, values));
            } else {
                float[] values = new float[n];
                for (int i = 0; i < n; i++) {
                    values[i] = (float) random.nextDouble(in.low, in.high);
                }
                tensors.add(
                        in.kind == Kind.DIFFERENTIABLE
                                ? Tensor.parameter(backend, in.shape, values)
                                : Tensor.of(backend, in.shape, values));
            }
        }
        return tensors.toArray(Tensor[]::new);
    }

    @Override
    public String toString() {
        return name;
    }
}
