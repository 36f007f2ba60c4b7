package org.aimjvm.op.picture;

import static org.aimjvm.op.picture.Pictures.gradient;
import static org.aimjvm.op.picture.Pictures.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.aimjvm.EverySimdWidth;
import org.aimjvm.TestBackends;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.ResizeShape.Grid;
import org.aimjvm.backend.Shape;
import org.aimjvm.op.picture.PoolOp.Window;
import org.aimjvm.tensor.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A picture does not feel the others of its batch, down to the last bit; a batch of none is one of none. */
@EverySimdWidth
class PictureLawsTest {
    private static final int BATCH = 23;
    private static final int CHANNELS = 5;
    private static final int HEIGHT = 14;
    private static final int WIDTH = 37;

    private record PictureOp(String name, UnaryOperator<Tensor> op) {
        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Arguments> opsOnBackends() {
        return TestBackends.available().stream().flatMap(b -> Stream.of(
                new PictureOp("maxPool2d", x -> PoolOp.maxPool2d(x, Window.square(3, 2, 1))),
                new PictureOp("avgPool2d", x -> PoolOp.avgPool2d(x, Window.square(3, 1, 1), false)),
                new PictureOp("avgPool2d with padding", x -> PoolOp.avgPool2d(x, Window.square(4, 3, 2), true)),
                new PictureOp("global mean", x -> PoolOp.avgPool2d(
                        x, new Window(HEIGHT, WIDTH, 1, 1, 0, 0), false)),
                new PictureOp("bilinear CORNER", x -> ResizeOp.bilinear(x, 17, 29, Grid.CORNER)),
                new PictureOp("bilinear HALF_PIXEL", x -> ResizeOp.bilinear(x, 9, 51, Grid.HALF_PIXEL)),
                new PictureOp("nearest", x -> ResizeOp.nearest(x, 21, 16)),
                new PictureOp("shift", x -> ShiftOp.shift(x, sameForAll(x, 3, -2))))
                .map(op -> Arguments.of(b, op)));
    }

    private static Tensor sameForAll(Tensor x, int down, int right) {
        int[] offsets = new int[2 * x.dim(0)];
        for (int n = 0; n < x.dim(0); n++) {
            offsets[2 * n] = down;
            offsets[2 * n + 1] = right;
        }
        return Tensor.ofInts(x.backend(), Shape.of(x.dim(0), 2), offsets);
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("opsOnBackends")
    void aPictureHasTheSameBitsAloneAndInABatch(Backend b, PictureOp op) {
        float[] x = random(BATCH * CHANNELS * HEIGHT * WIDTH, 1);
        float[][] batch = outputAndGradient(b, op, x, BATCH);
        for (int n : new int[] {0, 1, BATCH / 2, BATCH - 1}) {
            float[][] alone = outputAndGradient(b, op, part(x, n), 1);
            assertThat(alone[0]).as("picture %d", n).isEqualTo(part(batch[0], n));
            assertThat(alone[1]).as("gradient of picture %d", n).isEqualTo(part(batch[1], n));
        }
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("opsOnBackends")
    void aBatchOfNone(Backend b, PictureOp op) {
        float[][] none = outputAndGradient(b, op, new float[0], 0);
        assertThat(none[0]).isEmpty();
        assertThat(none[1]).isEmpty();
    }

    private static float[] part(float[] all, int n) {
        int size = all.length / BATCH;
        return Arrays.copyOfRange(all, n * size, (n + 1) * size);
    }

    private static float[][] outputAndGradient(Backend b, PictureOp op, float[] pictures, int batch) {
        Tensor x = Tensor.of(b, Shape.of(batch, CHANNELS, HEIGHT, WIDTH), pictures);
        Tensor y = op.op.apply(x);
        int size = y.dim(1) * y.dim(2) * y.dim(3);
        float[] ofOne = random(size, 3); // the same gradient for each picture
        float[] weights = new float[y.size()];
        for (int i = 0; i < weights.length; i++) {
            weights[i] = ofOne[i % size];
        }
        return new float[][] {y.toFloats(), gradient(x, op.op, weights)};
    }
}
