package org.aimjvm.op;

import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;
import org.aimjvm.backend.Storage;
import org.aimjvm.tensor.Autograd;
import org.aimjvm.tensor.Tensor;

/** Shape checks of operations, with messages that name the operation, what came and what was expected. */
public final class Shapes {
    private Shapes() {}

    /** Fails unless {@code x} has exactly the given sizes. */
    public static void expect(String op, String name, Tensor x, int... dims) {
        expect(op, name, x, Shape.of(dims));
    }

    public static void expect(String op, String name, Tensor x, Shape shape) {
        if (!x.shape().equals(shape)) {
            throw new IllegalArgumentException(op + ": " + name + " of shape " + x.shape() + ", expected " + shape);
        }
    }

    public static void expectRank(String op, String name, Tensor x, int rank) {
        if (x.shape().rank() != rank) {
            throw new IllegalArgumentException(op + ": " + name + " of shape " + x.shape() + ", expected " + rank
                    + " dimensions");
        }
    }

    public static void expectInts(String op, String name, Tensor x) {
        if (x.dtype() != DType.I32) {
            throw new IllegalArgumentException(op + ": " + name + " is " + x.dtype() + ", expected I32");
        }
    }

    public static void check(boolean ok, String op, String message) {
        if (!ok) {
            throw new IllegalArgumentException(op + ": " + message);
        }
    }

    /** Fails if an operation on {@code inputs} that overwrites a state would be put on the tape. */
    public static void expectNotTaped(String op, Tensor... inputs) {
        if (Autograd.isTaped(inputs)) {
            throw new IllegalStateException(
                    op + ": a state inside a training scope, expected none (its gradient would be lost)");
        }
    }

    /** The storage of an optional argument. */
    public static Storage storageOrNull(Tensor t) {
        return t == null ? null : t.storage();
    }

    /** Room for the gradient of {@code x}; {@code null} if there is no {@code x} or it wants none. */
    public static Tensor gradientFor(Tensor x) {
        return x != null && x.needsGrad() ? Tensor.empty(x.backend(), x.shape()) : null;
    }
}
