package org.aimjvm.op.picture;

import static org.aimjvm.op.picture.Pictures.gradient;
import static org.aimjvm.op.picture.Pictures.picture;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.Stream;
import org.aimjvm.EverySimdWidth;
import org.aimjvm.TestBackends;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Moves by hand, in all directions and out of the picture. */
@EverySimdWidth
class ShiftOpTest {

    static Stream<Backend> backends() {
        return TestBackends.available().stream();
    }

    @ParameterizedTest
    @MethodSource("backends")
    void eachPictureMovesByItself(Backend b) {
        Tensor x = Tensor.of(
                b, Shape.of(3, 1, 2, 3), 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6);
        Tensor offsets = Tensor.ofInts(b, Shape.of(3, 2), 1, 0, 0, -1, -1, 2);
        assertThat(ShiftOp.shift(x, offsets).toFloats())
                .containsExactly(0, 0, 0, 1, 2, 3, 2, 3, 0, 5, 6, 0, 0, 0, 4, 0, 0, 0);
    }

    @ParameterizedTest
    @MethodSource("backends")
    void gradientMovesBack(Backend b) {
        Tensor x = Tensor.of(b, Shape.of(2, 1, 2, 2), new float[8]);
        Tensor offsets = Tensor.ofInts(b, Shape.of(2, 2), 1, 0, 0, 1);
        assertThat(gradient(x, p -> ShiftOp.shift(p, offsets), 1, 2, 3, 4, 5, 6, 7, 8))
                .containsExactly(3, 4, 0, 0, 6, 0, 8, 0);
    }

    @ParameterizedTest
    @MethodSource("backends")
    void movesOutOfThePicture(Backend b) {
        int[] far = {2, -2, 3, -3, Integer.MAX_VALUE, Integer.MIN_VALUE, Integer.MIN_VALUE + 1};
        for (int offset : far) {
            for (int axis = 0; axis < 2; axis++) {
                Tensor x = picture(b, 2, 2, 1, 2, 3, 4);
                Tensor offsets = Tensor.ofInts(b, Shape.of(1, 2), axis == 0 ? offset : 0, axis == 1 ? offset : 0);
                assertThat(ShiftOp.shift(x, offsets).toFloats()).as("by %d", offset).containsExactly(0, 0, 0, 0);
                assertThat(gradient(x, p -> ShiftOp.shift(p, offsets), 1, 1, 1, 1)).containsExactly(0, 0, 0, 0);
            }
        }
    }

    @Test
    void refusesOffsetsOfAnotherShape() {
        Backend b = TestBackends.available().getFirst();
        Tensor x = Tensor.of(b, Shape.of(2, 1, 1, 2), 1, 2, 3, 4);
        assertThatThrownBy(() -> ShiftOp.shift(x, Tensor.ofInts(b, Shape.of(2), 1, 0)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("shift: offsets of shape").hasMessageContaining("expected");
        assertThatThrownBy(() -> ShiftOp.shift(x, Tensor.of(b, Shape.of(2, 2), 1, 0, 0, 1)))
                .hasMessage("shift: offsets is F32, expected I32");
        assertThatThrownBy(() -> ShiftOp.shift(x.reshape(2, 2), Tensor.ofInts(b, Shape.of(2, 2), 1, 0, 0, 1)))
                .hasMessageStartingWith("shift: x of shape");
    }
}
