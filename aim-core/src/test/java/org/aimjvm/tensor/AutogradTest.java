package org.aimjvm.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.Shape;
import org.aimjvm.op.elementwise.ArithmeticOp;
import org.aimjvm.op.elementwise.PointwiseOp;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.op.elementwise.SplitOp;
import org.junit.jupiter.api.Test;

class AutogradTest {
    private final Backend backend = Backends.open("scalar", 1);
    private final Tensor a = Tensor.parameter(backend, Shape.of(1, 4), 0.5f, -1, 2, 0.25f);
    private final Tensor b = Tensor.parameter(backend, Shape.of(1, 2), 1.5f, -0.5f);
    /** Orders of the operations whose backward ran. */
    private final List<String> visited = new ArrayList<>();

    /** {@code x} unchanged; notes when the gradient comes back. */
    private Tensor watched(String name, Tensor x) {
        Tensor y = Tensor.empty(backend, x.shape());
        y.write(x);
        return Autograd.tape(y, dY -> {
            visited.add(name);
            return new Tensor[] {dY};
        }, x);
    }

    /** silu(a) split in two; the halves and b meet again. */
    private record Graph(Tensor squared, Tensor left, Tensor right, Tensor product, Tensor loss) {}

    private Graph graph() {
        Tensor squared = watched("squared", ArithmeticOp.mul(a, a));
        Tensor[] halves = SplitOp.split(PointwiseOp.silu(squared), 2, 2);
        Tensor left = watched("left", halves[0]);
        Tensor right = watched("right", halves[1]);
        Tensor product = watched("product", ArithmeticOp.mul(left, watched("b", b)));
        Tensor loss = ReduceOp.sum(ArithmeticOp.mul(ArithmeticOp.mul(product, right), right));
        return new Graph(squared, left, right, product, loss);
    }

    @Test
    void gradientsOfChosenParametersAreThoseOfAll() {
        try (Scope _ = Scope.training()) {
            Graph g = graph();
            Gradients all = g.loss.backward();
            assertThat(visited).containsExactlyInAnyOrder("right", "product", "left", "b", "squared");
            for (Tensor p : List.of(a, b)) {
                Gradients one = g.loss.backward(p);
                assertThat(one.of(p).toFloats()).isEqualTo(all.of(p).toFloats());
                assertThat(one.contains(p == a ? b : a)).isFalse();
            }
            Gradients both = g.loss.backward(a, b);
            assertThat(both.of(a).toFloats()).isEqualTo(all.of(a).toFloats());
            assertThat(both.of(b).toFloats()).isEqualTo(all.of(b).toFloats());
        }
    }

    @Test
    void whatCannotReachTheChosenOnesIsNotVisited() {
        try (Scope _ = Scope.training()) {
            Graph g = graph();
            g.loss.backward(b);
            assertThat(visited).containsExactly("product", "b"); // neither left, right nor what is before
        }
    }

    @Test
    void gradientsOfIntermediateTensorsAreFiniteDifferences() {
        try (Scope _ = Scope.training()) {
            Graph g = graph();
            Gradients found = g.loss.backward(List.of(g.left, g.right, g.product, g.squared));
            assertThat(found.contains(a)).isFalse();
            float[] left = g.left.toFloats();
            float[] right = g.right.toFloats();
            float[] bs = b.toFloats();
            for (int i = 0; i < 2; i++) {
                // loss = sum of left b right^2
                assertThat(found.of(g.left).toFloats()[i]).isCloseTo(bs[i] * right[i] * right[i], within(1e-5f));
                assertThat(found.of(g.right).toFloats()[i]).isCloseTo(2 * left[i] * bs[i] * right[i], within(1e-5f));
                assertThat(found.of(g.product).toFloats()[i]).isCloseTo(right[i] * right[i], within(1e-5f));
            }
            float[] squared = g.squared.toFloats();
            for (int i = 0; i < 4; i++) {
                double h = 1e-4;
                double slope = (lossOf(squared, bs, i, h) - lossOf(squared, bs, i, -h)) / (2 * h);
                assertThat((double) found.of(g.squared).toFloats()[i]).isCloseTo(slope, within(1e-4));
            }
        }
    }

    /** The loss in F64 from the squares, the i-th moved by h. */
    private static double lossOf(float[] squared, float[] b, int i, double h) {
        double[] silu = new double[4];
        for (int k = 0; k < 4; k++) {
            double x = squared[k] + (k == i ? h : 0);
            silu[k] = x / (1 + Math.exp(-x));
        }
        double loss = 0;
        for (int k = 0; k < 2; k++) {
            loss += silu[k] * b[k] * silu[2 + k] * silu[2 + k];
        }
        return loss;
    }

    @Test
    void theTapeServesSeveralLossesAndSeveralTimes() {
        try (Scope _ = Scope.training()) {
            Graph g = graph();
            Tensor other = ReduceOp.sum(g.product); // shares all but the last operations
            float[] first = g.loss.backward(g.product).of(g.product).toFloats();
            float[] second = other.backward(g.product).of(g.product).toFloats();
            assertThat(second).containsExactly(1, 1);
            assertThat(g.loss.backward(g.product).of(g.product).toFloats()).isEqualTo(first);
            assertThat(g.loss.backward().of(a).toFloats()).isEqualTo(g.loss.backward().of(a).toFloats());
        }
    }

    @Test
    void theLossItselfAndWhatItDoesNotDependOn() {
        Tensor stranger = Tensor.parameter(backend, Shape.of(1), 3);
        try (Scope _ = Scope.training()) {
            Graph g = graph();
            Gradients found = g.loss.backward(g.loss, stranger);
            assertThat(found.of(g.loss).item()).isEqualTo(1);
            assertThat(visited).isEmpty();
            assertThatThrownBy(() -> found.of(stranger))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith("gradient: the loss does not depend on this tensor of shape (1)");
        }
    }

    @Test
    void parametersInsideARecomputedPartAreFound() {
        try (Scope _ = Scope.training()) {
            Tensor x = ArithmeticOp.mul(b, b);
            Tensor y = Recompute.of(in -> new Tensor[] {ArithmeticOp.mul(in[0], SplitOp.split(a, 2, 2)[0])},
                    in -> new Tensor[] {ArithmeticOp.mul(in[0], SplitOp.split(a, 2, 2)[0])}, x)[0];
            Tensor loss = ReduceOp.sum(watched("last", y));
            Gradients all = loss.backward();
            assertThat(loss.backward(a).of(a).toFloats()).isEqualTo(all.of(a).toFloats());
            assertThat(loss.backward(b).of(b).toFloats()).isEqualTo(all.of(b).toFloats());
            assertThat(loss.backward(b).contains(a)).isFalse();
        }
    }

    @Test
    void wrongUseIsRefused() {
        try (Scope _ = Scope.training()) {
            Graph g = graph();
            assertThatThrownBy(() -> g.loss.backward(g.left.detach()))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith("backward: a tensor of shape (1, 2) that wants no gradient");
            assertThatThrownBy(g.left::backward)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("expected a scalar loss");
        }
        try (Scope _ = Scope.inference()) {
            Tensor loss = ReduceOp.sum(ArithmeticOp.mul(a, a));
            assertThat(loss.needsGrad()).isFalse();
            assertThatThrownBy(loss::backward)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("nothing is on the tape");
        }
    }

    @Test
    void aChainOfManyOperationsNeedsNoDeepStack() {
        try (Scope _ = Scope.training()) {
            Tensor x = b;
            for (int i = 0; i < 20_000; i++) {
                x = x.reshape(2, 1);
            }
            Tensor loss = ReduceOp.sum(x);
            assertThat(loss.backward(b).of(b).toFloats()).containsExactly(1, 1);
        }
    }
}
