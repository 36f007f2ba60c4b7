package org.aimjvm.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.Shape;
import org.aimjvm.op.elementwise.ArithmeticOp;
import org.junit.jupiter.api.Test;

class ScopeTest {
    private final Backend backend = Backends.open("scalar", 1);

    private Tensor filled(float value) {
        return Tensor.full(backend, Shape.of(3), value);
    }

    @Test
    void memoryIsGivenBackAtTheEndAndServesTheNext() {
        try (Scope _ = Scope.inference()) {
            Tensor first;
            try (Scope _ = Scope.inference()) {
                first = filled(1);
                assertThat(first.storage().isReleased()).isFalse();
            }
            assertThat(first.storage().isReleased()).isTrue();
            assertThat(first.toString()).endsWith("(released)");
            Tensor outside = filled(2);
            assertThat(outside.toFloats()).containsExactly(2, 2, 2);
        }
    }

    @Test
    void aKeptTensorOutlivesItsScopeAndBelongsToTheNextOne() {
        Tensor kept;
        try (Scope outer = Scope.inference()) {
            try (Scope inner = Scope.inference()) {
                kept = inner.keep(filled(5));
                Tensor outsider = Tensor.persistent(backend, Shape.of(3));
                assertThatThrownBy(() -> inner.keep(outsider))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("keep: tensor of shape (3) (expected one made in this scope)");
                assertThatThrownBy(() -> inner.keep(kept)).isInstanceOf(IllegalArgumentException.class);
            }
            filled(7); // would take the memory if it were free
            assertThat(kept.toFloats()).containsExactly(5, 5, 5);
            outer.keep(kept);
        }
        assertThat(kept.toFloats()).containsExactly(5, 5, 5); // now the garbage collector's
    }

    @Test
    void aTakenTensorGoesWithTheScopeThatTookIt() {
        try (Scope _ = Scope.inference()) {
            Tensor input = filled(1);
            Tensor untouched = filled(2);
            Tensor outsider = Tensor.persistent(backend, Shape.of(3));
            try (Scope inner = Scope.inference()) {
                assertThat(inner.take(input)).isSameAs(input);
                assertThat(inner.take(outsider)).isSameAs(outsider);
                assertThat(input.toFloats()).containsExactly(1, 1, 1);
            }
            assertThat(input.storage().isReleased()).isTrue();
            assertThat(untouched.toFloats()).containsExactly(2, 2, 2);
            assertThat(outsider.toFloats()).containsExactly(0, 0, 0);
        }
    }

    @Test
    void withoutAScopeAroundNothingIsTaken() {
        Tensor outsider = filled(1);
        try (Scope only = Scope.inference()) {
            only.take(outsider);
        }
        assertThat(outsider.toFloats()).containsExactly(1, 1, 1);
    }

    @Test
    void aPartGivesMemoryBackWithoutGradientsAndKeepsItWithThem() {
        for (boolean training : new boolean[] {false, true}) {
            try (Scope _ = training ? Scope.training() : Scope.inference()) {
                Tensor inside;
                Tensor result;
                try (Scope part = Scope.part()) {
                    inside = filled(1);
                    result = part.keep(filled(2));
                }
                assertThat(inside.storage().isReleased()).isEqualTo(!training);
                assertThat(result.toFloats()).containsExactly(2, 2, 2);
            }
        }
    }

    @Test
    void operationsAreNotedOnlyInTrainingScopes() {
        Tensor p = Tensor.parameter(backend, Shape.of(3), 1, 2, 3);
        try (Scope _ = Scope.training()) {
            assertThat(ArithmeticOp.mul(p, p).needsGrad()).isTrue();
            try (Scope _ = Scope.part()) {
                assertThat(ArithmeticOp.mul(p, p).needsGrad()).isTrue();
            }
            try (Scope _ = Scope.inference()) {
                assertThat(ArithmeticOp.mul(p, p).needsGrad()).isFalse();
            }
        }
        assertThat(ArithmeticOp.mul(p, p).needsGrad()).isFalse();
    }

    @Test
    void scopesCloseFromTheInsideAndOnce() {
        Scope outer = Scope.inference();
        Scope inner = Scope.inference();
        assertThatThrownBy(outer::close).isInstanceOf(IllegalStateException.class)
                .hasMessageStartingWith("scope: closed while an inner scope is open");
        inner.close();
        inner.close();
        outer.close();
        try (Scope after = Scope.inference()) {
            assertThat(after.take(filled(1)).size()).isEqualTo(3);
        }
    }
}
