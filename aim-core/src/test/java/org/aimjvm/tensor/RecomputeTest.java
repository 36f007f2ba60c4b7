package org.aimjvm.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.Shape;
import org.aimjvm.op.elementwise.ArithmeticOp;
import org.aimjvm.op.elementwise.PointwiseOp;
import org.aimjvm.op.elementwise.ReduceOp;
import org.junit.jupiter.api.Test;

class RecomputeTest {
    private final Backend backend = Backends.open("scalar", 1);
    private final Tensor weight = Tensor.parameter(backend, Shape.of(3), 1, -2, 3);
    private final List<Tensor> inner = new ArrayList<>();

    /** {@code (silu(w x) w, x)}: two outputs, one of them an input, and a parameter that is used twice. */
    private Tensor[] part(Tensor[] xs) {
        Tensor y = PointwiseOp.silu(ArithmeticOp.mul(weight, xs[0]));
        inner.add(y);
        return new Tensor[] {ArithmeticOp.mul(y, weight), xs[0]};
    }

    private float[][] gradients(boolean recomputed) {
        Tensor x = Tensor.parameter(backend, Shape.of(3), 0.5f, 0.25f, -1);
        try (Scope _ = Scope.training()) {
            Tensor before = ArithmeticOp.mul(x, x);
            Tensor[] outs = recomputed ? Recompute.of(this::part, this::part, before) : part(new Tensor[] {before});
            Tensor loss = ReduceOp.sum(ArithmeticOp.mul(ArithmeticOp.mul(outs[0], outs[1]), weight));
            Gradients g = loss.backward();
            return new float[][] {loss.toFloats(), g.of(x).toFloats(), g.of(weight).toFloats()};
        }
    }

    @Test
    void gradientsOfInputsAndParametersAreThoseWithout() {
        assertThat(gradients(true)).isDeepEqualTo(gradients(false));
    }

    @Test
    void whatIsInsideIsFreedAfterEachPass() {
        Tensor x = Tensor.parameter(backend, Shape.of(3), 1, 2, 3);
        try (Scope _ = Scope.training()) {
            Tensor y = Recompute.of(this::part, this::part, x)[0];
            assertThat(inner).singleElement().matches(t -> t.storage().isReleased());
            ReduceOp.sum(y).backward();
            assertThat(inner).hasSize(2).allMatch(t -> t.storage().isReleased());
            assertThat(y.storage().isReleased()).isFalse();
        }
    }

    @Test
    void withoutAGradientItIsThePartItself() {
        try (Scope _ = Scope.inference()) {
            Tensor x = Tensor.of(backend, Shape.of(3), 1, 2, 3);
            assertThat(Recompute.of(this::part, this::part, x)[1]).isSameAs(x);
            assertThat(inner).singleElement().matches(t -> !t.storage().isReleased());
        }
    }
}
