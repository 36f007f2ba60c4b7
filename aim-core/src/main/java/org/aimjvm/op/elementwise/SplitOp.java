package org.aimjvm.op.elementwise;

import java.util.Arrays;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Storage;
import org.aimjvm.op.Shapes;
import org.aimjvm.tensor.Autograd;
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
        for (int i = 0; i < sizes.length; i++) {
            ys[i] = Tensor.empty(backend, x.shape().withLast(sizes[i]));
        }
        backend.elementwise().splitColumns(storages(ys), sizes, x.storage(), rows, cols);
        return Autograd.tape(
                ys,
                dYs -> {
                    Tensor dX = Tensor.empty(backend, x.shape());
                    Tensor[] all = new Tensor[sizes.length];
                    for (int i = 0; i < sizes.length; i++) {
                        all[i] = dYs[i] != null ? dYs[i] : Tensor.zeros(backend, x.shape().withLast(sizes[i]));
                    }
                    backend.elementwise().joinColumns(dX.storage(), storages(all), sizes, rows, cols);
                    return new Tensor[] {dX};
                },
                x);
    }

    private static Storage[] storages(Tensor[] tensors) {
        return Arrays.stream(tensors).map(Tensor::storage).toArray(Storage[]::new);
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
        int[] sizes = Arrays.stream(xs).mapToInt(x -> x.dim(-1)).toArray();
        backend.elementwise().joinColumns(y.storage(), storages(xs), sizes, rows, total);
        return Autograd.tape(
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
