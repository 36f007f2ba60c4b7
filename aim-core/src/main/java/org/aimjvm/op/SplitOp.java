package org.aimjvm.op;

import org.aimjvm.tensor.Autograd;
import org.aimjvm.tensor.Backend;
import org.aimjvm.tensor.Tensor;

/** Splitting and joining along the last dimension. */
public final class SplitOp {
    private SplitOp() {}

    /**
     * Cuts the last dimension into pieces of the given sizes, which are copied.
     *
     * @throws IllegalArgumentException if the sizes do not add up to the last dimension
     */
    public static Tensor[] split(Tensor x, int... sizes) {
        Backend backend = x.backend();
        int rows = x.shape().rows();
        int cols = x.dim(-1);
        int sum = 0;
        for (int size : sizes) {
            sum += size;
        }
        Shapes.check(sum == cols, "split", "sizes add up to " + sum + ", expected " + cols + " of shape " + x.shape());
        Tensor[] ys = new Tensor[sizes.length];
        for (int i = 0, from = 0; i < sizes.length; from += sizes[i++]) {
            ys[i] = Tensor.empty(backend, x.shape().withLast(sizes[i]));
            backend.elementwise().copyColumns(ys[i].storage(), sizes[i], 0, x.storage(), cols, from, rows, sizes[i]);
        }
        return Autograd.record(
                ys,
                dYs -> {
                    Tensor dX = Tensor.empty(backend, x.shape());
                    for (int i = 0, from = 0; i < sizes.length; from += sizes[i++]) {
                        Tensor dY = dYs[i] != null ? dYs[i] : Tensor.zeros(backend, x.shape().withLast(sizes[i]));
                        backend.elementwise()
                                .copyColumns(dX.storage(), cols, from, dY.storage(), sizes[i], 0, rows, sizes[i]);
                    }
                    return new Tensor[] {dX};
                },
                x);
    }

    /** Joins tensors that differ at most in the last dimension, along it. */
    public static Tensor concat(Tensor... xs) {
        Backend backend = xs[0].backend();
        int rows = xs[0].shape().rows();
        int cols = 0;
        for (Tensor x : xs) {
            Shapes.expect("concat", "x", x, xs[0].shape().withLast(x.dim(-1)));
            cols += x.dim(-1);
        }
        int total = cols;
        Tensor y = Tensor.empty(backend, xs[0].shape().withLast(total));
        int from = 0;
        for (Tensor x : xs) {
            backend.elementwise().copyColumns(y.storage(), total, from, x.storage(), x.dim(-1), 0, rows, x.dim(-1));
            from += x.dim(-1);
        }
        return Autograd.record(
                y,
                dY -> {
                    Tensor[] dXs = new Tensor[xs.length];
                    for (int i = 0, at = 0; i < xs.length; at += xs[i++].dim(-1)) {
                        if (xs[i].needsGrad()) {
                            int width = xs[i].dim(-1);
                            dXs[i] = Tensor.empty(backend, xs[i].shape());
                            backend.elementwise()
                                    .copyColumns(dXs[i].storage(), width, 0, dY.storage(), total, at, rows, width);
                        }
                    }
                    return dXs;
                },
                xs);
    }
}
