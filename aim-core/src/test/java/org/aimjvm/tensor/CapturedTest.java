package org.aimjvm.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.aimjvm.EverySimdWidth;
import org.aimjvm.TestBackends;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.op.elementwise.ArithmeticOp;
import org.aimjvm.op.elementwise.PointwiseOp;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Captured work follows the memory it was captured on, and owns what it made. */
@EverySimdWidth
class CapturedTest {
    private static final List<Backend> BACKENDS = TestBackends.available();

    static Stream<Backend> backends() {
        return BACKENDS.stream();
    }

    static Stream<Backend> capturingBackends() {
        return BACKENDS.stream().filter(b -> !b.name().equals("scalar"));
    }

    @ParameterizedTest
    @MethodSource("backends")
    void everyRunSeesWhatWasWritten(Backend backend) {
        Tensor x = Tensor.persistent(backend, Shape.of(3));
        try (Captured<Tensor> squares = new Captured<>(backend, () -> PointwiseOp.square(ArithmeticOp.scale(x, 2)))) {
            for (int i = 1; i < 5; i++) {
                x.write(new float[] {i, -i, 0.5f});
                assertThat(squares.run().toFloats()).containsExactly(4 * i * i, 4 * i * i, 1);
            }
        }
    }

    @ParameterizedTest(allowZeroInvocations = true) // none without the Vector module
    @MethodSource("capturingBackends")
    void theWorkRunsOnceWhereItIsCaptured(Backend backend) {
        AtomicInteger runs = new AtomicInteger();
        Tensor x = Tensor.persistent(backend, Shape.of(1));
        try (Captured<Tensor> r = new Captured<>(backend, () -> {
            runs.incrementAndGet();
            return PointwiseOp.exp(x);
        })) {
            assertThat(r.run()).isSameAs(r.run());
        }
        assertThat(runs).hasValue(1);
    }

    @ParameterizedTest
    @MethodSource("backends")
    void scopesOfTheCallerHaveNoPartInIt(Backend backend) {
        Tensor x = Tensor.persistent(backend, Shape.of(8));
        try (Captured<Tensor> r = new Captured<>(backend, () -> ArithmeticOp.affine(x, 1, 3))) {
            for (int i = 0; i < 3; i++) {
                Tensor y;
                try (Scope _ = Scope.training()) {
                    Tensor other = Tensor.zeros(backend, Shape.of(8));
                    y = r.run();
                    assertThat(y.needsGrad()).isFalse();
                    assertThat(Tensor.full(backend, Shape.of(8), 7).storage()).isNotSameAs(other.storage());
                }
                try (Scope _ = Scope.inference()) {
                    Tensor.full(backend, Shape.of(8), 7);
                    assertThat(y.toFloats()).containsOnly(3);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("backends")
    void memoryOfPartsServesTheNextPart(Backend backend) {
        Tensor x = Tensor.persistent(backend, Shape.of(5));
        try (Captured<Tensor> r = new Captured<>(backend, () -> {
            Tensor y = x;
            for (int i = 0; i < 4; i++) {
                try (Scope part = Scope.part()) {
                    Tensor one = ArithmeticOp.affine(y, 1, 1);
                    y = part.keep(ArithmeticOp.scale(one, 2));
                }
            }
            return y;
        })) {
            for (int i = 0; i < 3; i++) {
                x.write(new float[] {i, i, i, i, i});
                assertThat(r.run().toFloats()).containsOnly(16 * i + 30);
            }
        }
    }

    @ParameterizedTest(allowZeroInvocations = true) // none without the Vector module
    @MethodSource("capturingBackends")
    void transfersInsideAreAnErrorAndCopiesAreReplayed(Backend backend) {
        Tensor x = Tensor.persistent(backend, Shape.of(4));
        for (Runnable transfer : List.<Runnable>of(
                () -> x.write(new float[4]), x::toFloats, () -> Tensor.ofInts(backend, Shape.of(1), 3), () -> Tensor
                        .ofInts(backend, Shape.of(1), 3)
                        .toInts())) {
            try (Captured<Integer> r = new Captured<>(backend, () -> {
                transfer.run();
                return 1;
            })) {
                assertThatThrownBy(r::run)
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("inside a capture");
            }
        }
        try (Captured<Tensor> r = new Captured<>(backend, () -> {
            Tensor y = Tensor.full(backend, Shape.of(4), 2);
            backend.copy(y.storage(), 1, x.storage(), 0, 2);
            return y;
        })) {
            for (int i = 0; i < 3; i++) {
                x.write(new float[] {i, i + 1, 9, 9});
                Tensor y = r.run();
                assertThat(y.toFloats()).containsExactly(2, i, i + 1, 2);
                backend.fill(y.storage(), 0, 4, -1);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("backends")
    void closedCaptureGivesItsMemoryBack(Backend backend) {
        Tensor x = Tensor.persistent(backend, Shape.of(2));
        Captured<Tensor> r = new Captured<>(backend, () -> PointwiseOp.exp(x));
        Tensor y = r.run();
        r.close();
        assertThatThrownBy(y::toFloats).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(r::run).isInstanceOf(IllegalStateException.class);
    }
}
