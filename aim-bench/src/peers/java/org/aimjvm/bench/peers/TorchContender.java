package org.aimjvm.bench.peers;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.function.UnaryOperator;

/** libtorch on one input. */
final class TorchContender implements Contender {
    private final NDManager manager;
    private final UnaryOperator<NDArray> work;
    private final NDArray input;
    private float[] result;

    /**
     * @param manager given back by {@link #close}
     * @param work from an array to another, both of the manager that it finds the first in
     */
    TorchContender(NDManager manager, float[] values, UnaryOperator<NDArray> work, long... dims) {
        this.manager = manager;
        this.work = work;
        this.input = manager.create(values, new Shape(dims));
    }

    @Override
    public String name() {
        return "libtorch";
    }

    @Override
    public void run() {
        try (NDManager sub = manager.newSubManager()) {
            input.tempAttach(sub);
            NDArray y = work.apply(input);
            if (result == null) {
                result = y.toFloatArray();
            }
            input.attach(manager);
        }
    }

    @Override
    public float[] result() {
        return result;
    }

    @Override
    public void close() {
        manager.close();
    }
}
