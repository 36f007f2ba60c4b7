package org.aimjvm.bench.peers;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.norm.BatchNorm;
import java.util.HashMap;
import java.util.Map;
import org.aimjvm.tensor.Tensor;

/**
 * Layers as calls of libtorch, one after another, through DJL. What is made on the way belongs to the input's manager.
 */
final class TorchLayers implements Layers<NDArray> {
    private static final int GROUPS = 32;

    private final NDManager manager;
    private final Map<String, Tensor> weights;
    private final float eps;
    private final Map<String, NDArray> copies = new HashMap<>();

    TorchLayers(NDManager manager, Map<String, Tensor> weights, float eps) {
        this.manager = manager;
        this.weights = weights;
        this.eps = eps;
    }

    private NDArray weight(String name, long... dims) {
        return copies.computeIfAbsent(name, n -> manager.create(weights.get(n).toFloats(), new Shape(dims)));
    }

    @Override
    public NDArray conv(NDArray x, String name) {
        org.aimjvm.backend.Shape s = weights.get(name + ".weight").shape();
        NDList out = Conv2d.conv2d(
                x, weight(name + ".weight", s.dim(0), s.dim(1), s.dim(2), s.dim(3)), weight(name + ".bias", s.dim(0)),
                new Shape(1, 1), new Shape(s.dim(2) / 2, s.dim(3) / 2), new Shape(1, 1), 1);
        return out.singletonOrThrow();
    }

    /** Groups as channels of a batch normalisation that takes its statistics from the batch: one native call. */
    @Override
    public NDArray norm(NDArray x, String name) {
        Shape shape = x.getShape();
        long channels = shape.get(1);
        NDArray groups = x.reshape(1, GROUPS, -1);
        NDArray zeros = copies.computeIfAbsent("zeros", n -> manager.zeros(new Shape(GROUPS)));
        NDArray ones = copies.computeIfAbsent("ones", n -> manager.ones(new Shape(GROUPS)));
        NDArray normed = BatchNorm.batchNorm(
                groups, zeros.duplicate(), ones.duplicate(), ones, zeros, 1, 0.9f, eps, true)
                .singletonOrThrow()
                .reshape(shape);
        return normed.muli(weight(name + ".weight", 1, channels, 1, 1))
                .addi(weight(name + ".bias", 1, channels, 1, 1));
    }

    @Override
    public NDArray silu(NDArray x) {
        return x.getNDArrayInternal().sigmoid().muli(x);
    }

    @Override
    public NDArray add(NDArray x, NDArray y) {
        return x.add(y);
    }

    @Override
    public NDArray upsample(NDArray x) {
        long c = x.getShape().get(1);
        long h = x.getShape().get(2);
        return x.reshape(1, c, h, 1, h, 1).broadcast(1, c, h, 2, h, 2).reshape(1, c, 2 * h, 2 * h);
    }

    @Override
    public NDArray attend(NDArray q, NDArray k, NDArray v) {
        Shape shape = q.getShape();
        long c = shape.get(1);
        NDArray scores = q.reshape(1, c, -1).transpose(0, 2, 1).matMul(k.reshape(1, c, -1));
        NDArray shares = scores.mul((float) (1 / Math.sqrt(c))).softmax(-1);
        return v.reshape(1, c, -1).matMul(shares.transpose(0, 2, 1)).reshape(shape);
    }
}
