package org.aimjvm.op.picture;

import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.op.elementwise.ArithmeticOp;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;

/** What the tests of this package share. */
final class Pictures {
    private Pictures() {}

    /** One picture of one channel. */
    static Tensor picture(Backend b, int height, int width, float... values) {
        return Tensor.of(b, Shape.of(1, 1, height, width), values);
    }

    /** Numbers in [-3, 3). */
    static float[] random(int n, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextDouble(-3, 3);
        }
        return values;
    }

    /** Gradient of {@code sum of weights op(x)} at {@code x}. */
    static float[] gradient(Tensor x, UnaryOperator<Tensor> op, float... weights) {
        try (Scope _ = Scope.training()) {
            Tensor p = Tensor.parameter(x.backend(), x.shape(), x.toFloats());
            Tensor y = op.apply(p);
            Tensor loss = ReduceOp.sum(ArithmeticOp.mul(y, Tensor.of(x.backend(), y.shape(), weights)));
            return loss.backward().of(p).toFloats();
        }
    }
}
