package org.aimjvm.op.picture;

import static org.aimjvm.op.picture.Pictures.picture;
import static org.aimjvm.op.picture.Pictures.random;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;
import static org.assertj.core.data.Percentage.withPercentage;

import java.util.Arrays;
import java.util.stream.Stream;
import org.aimjvm.EverySimdWidth;
import org.aimjvm.TestBackends;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.ResizeShape;
import org.aimjvm.backend.ResizeShape.Grid;
import org.aimjvm.backend.Shape;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Changes of size by hand, bit for bit. */
@EverySimdWidth
class ResizeOpTest {

    static Stream<Backend> backends() {
        return TestBackends.available().stream();
    }

    @ParameterizedTest
    @MethodSource("backends")
    void gridsDifferInWhereTheyLook(Backend b) {
        Tensor line = picture(b, 1, 2, 1, 2);
        assertThat(ResizeOp.bilinear(line, 1, 4, Grid.CORNER).toFloats()).containsExactly(1, 1.5f, 2, 2);
        assertThat(ResizeOp.bilinear(line, 1, 4, Grid.HALF_PIXEL).toFloats()).containsExactly(1, 1.25f, 1.75f, 2);
        Tensor square = picture(b, 2, 2, 0, 4, 8, 12);
        assertThat(ResizeOp.bilinear(square, 3, 4, Grid.HALF_PIXEL).toFloats())
                .containsExactly(0, 1, 3, 4, 4, 5, 7, 8, 8, 9, 11, 12);
        // 4 -> 2: TensorFlow 1 takes pixels 0 and 2, PyTorch the means of two
        Tensor four = picture(b, 4, 1, 1, 3, 10, 20);
        assertThat(ResizeOp.bilinear(four, 2, 1, Grid.CORNER).toFloats()).containsExactly(1, 10);
        assertThat(ResizeOp.bilinear(four, 2, 1, Grid.HALF_PIXEL).toFloats()).containsExactly(2, 15);
    }

    @ParameterizedTest
    @MethodSource("backends")
    void sameSizeIsTheSamePicture(Backend b) {
        float[] values = random(7 * 37, 1);
        for (Grid grid : Grid.values()) {
            assertThat(ResizeOp.bilinear(picture(b, 7, 37, values), 7, 37, grid).toFloats()).isEqualTo(values);
        }
        assertThat(ResizeOp.nearest(picture(b, 7, 37, values), 7, 37).toFloats()).isEqualTo(values);
    }

    /** As the network of the Frechet distance is fed: each operation rounded to F32, in the reference's order. */
    @ParameterizedTest
    @MethodSource("backends")
    void hasTheBitsOfTensorFlow1(Backend b) {
        for (int[] s : new int[][] {{64, 48, 299, 299}, {256, 256, 299, 299}, {300, 511, 299, 299}, {5, 7, 3, 4}}) {
            float[] x = random(s[0] * s[1], 2);
            assertThat(ResizeOp.bilinear(picture(b, s[0], s[1], x), s[2], s[3], Grid.CORNER).toFloats())
                    .as(Arrays.toString(s)).isEqualTo(reference(x, s[0], s[1], s[2], s[3]));
        }
    }

    private static float[] reference(float[] x, int height, int width, int outHeight, int outWidth) {
        float scaleY = (float) height / outHeight;
        float scaleX = (float) width / outWidth;
        float[] y = new float[outHeight * outWidth];
        for (int i = 0; i < outHeight; i++) {
            float sourceY = i * scaleY;
            int y0 = (int) Math.floor(sourceY);
            int y1 = Math.min(y0 + 1, height - 1);
            float dy = sourceY - y0;
            for (int j = 0; j < outWidth; j++) {
                float sourceX = j * scaleX;
                int x0 = (int) Math.floor(sourceX);
                int x1 = Math.min(x0 + 1, width - 1);
                float dx = sourceX - x0;
                float top = x[y0 * width + x0] + (x[y0 * width + x1] - x[y0 * width + x0]) * dx;
                float bottom = x[y1 * width + x0] + (x[y1 * width + x1] - x[y1 * width + x0]) * dx;
                y[i * outWidth + j] = top + (bottom - top) * dy;
            }
        }
        return y;
    }

    /** Each output pixel by its own definition, {@code (i + 0.5) in / out - 0.5}, in F64. */
    @ParameterizedTest
    @MethodSource("backends")
    void halfPixelIsTheMeanOfFourByDistance(Backend b) {
        for (int[] s : new int[][] {{7, 45, 16, 31}, {16, 31, 7, 45}, {1, 9, 4, 2}, {10, 1, 3, 7}}) {
            float[] x = random(s[0] * s[1], 3);
            float[] y = ResizeOp.bilinear(picture(b, s[0], s[1], x), s[2], s[3], Grid.HALF_PIXEL).toFloats();
            for (int i = 0; i < y.length; i++) {
                double row = Math.clamp((i / s[3] + 0.5) * s[0] / s[2] - 0.5, 0, s[0] - 1);
                double column = Math.clamp((i % s[3] + 0.5) * s[1] / s[3] - 0.5, 0, s[1] - 1);
                double expected = 0;
                for (int j = 0; j < x.length; j++) { // a tent of width 2 around the position
                    expected += x[j] * Math.max(0, 1 - Math.abs(j / s[1] - row))
                            * Math.max(0, 1 - Math.abs(j % s[1] - column));
                }
                assertThat((double) y[i]).as("%s at %d", Arrays.toString(s), i).isCloseTo(expected, offset(2e-5));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("backends")
    void nearestTakesTheFloor(Backend b) {
        Tensor x = picture(b, 2, 3, 1, 2, 3, 4, 5, 6);
        assertThat(ResizeOp.nearest(x, 3, 5).toFloats())
                .containsExactly(1, 1, 2, 2, 3, 1, 1, 2, 2, 3, 4, 4, 5, 5, 6);
        assertThat(ResizeOp.nearest(x, 1, 2).toFloats()).containsExactly(1, 2);
        assertThat(ResizeOp.nearest(x, 4, 3).toFloats()).containsExactly(1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6);
    }

    /** Shares of an output pixel add up to 1, so the gradient of the sum adds up to the number of output pixels. */
    @ParameterizedTest
    @MethodSource("backends")
    void gradientsAddUp(Backend b) {
        for (int[] s : new int[][] {{3, 5, 8, 2}, {9, 4, 9, 11}, {1, 1, 5, 5}, {40, 33, 3, 100}}) {
            for (int kind = 0; kind < 3; kind++) {
                try (Scope _ = Scope.training()) {
                    Tensor p = Tensor.parameter(b, Shape.of(1, 2, s[0], s[1]), new float[2 * s[0] * s[1]]);
                    Tensor y = kind == 2
                            ? ResizeOp.nearest(p, s[2], s[3])
                            : ResizeOp.bilinear(p, s[2], s[3], Grid.values()[kind]);
                    double sum = 0;
                    for (float d : ReduceOp.sum(y).backward().of(p).toFloats()) {
                        sum += d;
                    }
                    assertThat(sum).as(Arrays.toString(s)).isCloseTo(
                            2.0 * s[2] * s[3], withPercentage(1e-3));
                }
            }
        }
    }

    @Test
    void refusesSizesThatCannotBe() {
        Backend b = TestBackends.available().getFirst();
        Tensor x = picture(b, 2, 3, 1, 2, 3, 4, 5, 6);
        assertThatThrownBy(() -> ResizeOp.bilinear(x, 0, 3, Grid.CORNER))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("resize: 1 planes of 2x3 to 0x3 (expected positive sizes)");
        assertThatThrownBy(() -> ResizeOp.nearest(x, 3, -1)).hasMessageContaining("to 3x-1");
        assertThatThrownBy(() -> ResizeOp.nearest(x, 1 << 16, 1 << 16)).hasMessageContaining("expected at most 2^31");
        assertThatThrownBy(() -> ResizeOp.bilinear(x.reshape(1, 2, 3), 3, 3, Grid.CORNER))
                .hasMessageStartingWith("resizeBilinear: x of shape");
    }

    @Test
    void neighboursStayInsideThePicture() {
        for (int in : new int[] {1, 2, 3, 64, 255, 256, 1000, 4097}) {
            for (int out : new int[] {1, 2, 3, 299, 997, 65_537}) {
                for (Grid grid : Grid.values()) {
                    ResizeShape.Neighbours n = new ResizeShape(1, in, 1, out, 1, grid).rows();
                    for (int i = 0; i < out; i++) {
                        assertThat(n.low()[i]).isBetween(0, in - 1);
                        assertThat(n.high()[i]).isBetween(n.low()[i], Math.min(n.low()[i] + 1, in - 1));
                        assertThat(n.share()[i]).isBetween(0f, Math.nextDown(1f));
                    }
                }
            }
        }
    }
}
