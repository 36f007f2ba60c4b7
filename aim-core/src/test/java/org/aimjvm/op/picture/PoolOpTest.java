package org.aimjvm.op.picture;

import static org.aimjvm.op.picture.Pictures.gradient;
import static org.aimjvm.op.picture.Pictures.picture;
import static org.aimjvm.op.picture.Pictures.random;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.Stream;
import org.aimjvm.EverySimdWidth;
import org.aimjvm.TestBackends;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Pool2dShape;
import org.aimjvm.backend.Shape;
import org.aimjvm.op.picture.PoolOp.Window;
import org.aimjvm.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Pooling by hand: values, ties, padding, order of sums, what is refused. */
@EverySimdWidth
class PoolOpTest {

    static Stream<Backend> backends() {
        return TestBackends.available().stream();
    }

    @ParameterizedTest
    @MethodSource("backends")
    void greatestOfEachWindow(Backend b) {
        Tensor x = picture(b, 4, 5, 1, 7, 2, 3, 90, 4, 5, 6, 0, 91, -1, -8, 9, 8, 92, -2, -3, 7, 10, 93);
        Tensor y = PoolOp.maxPool2d(x, Window.square(2, 2, 0));
        assertThat(y.shape()).isEqualTo(Shape.of(1, 1, 2, 2)); // the last column does not fit
        assertThat(y.toFloats()).containsExactly(7, 6, -1, 10);
        assertThat(PoolOp.maxPool2d(x, new Window(1, 3, 3, 2, 0, 1)).toFloats()).containsExactly(7, 7, 90, -2, 10, 93);
    }

    @ParameterizedTest
    @MethodSource("backends")
    void paddingIsNeverTheGreatest(Backend b) {
        Tensor x = picture(b, 2, 2, -5, -6, -7, Float.NEGATIVE_INFINITY);
        Tensor y = PoolOp.maxPool2d(x, Window.square(2, 1, 1));
        assertThat(y.toFloats()).containsExactly(-5, -5, -6, -5, -5, -6, -7, -7, Float.NEGATIVE_INFINITY);
    }

    @ParameterizedTest
    @MethodSource("backends")
    void gradientGoesToTheFirstOfEqualValues(Backend b) {
        Tensor x = picture(b, 2, 4, 3, 3, 0, 5, 3, 1, 5, 5);
        assertThat(gradient(x, p -> PoolOp.maxPool2d(p, Window.square(2, 2, 0)), 10, 20))
                .containsExactly(10, 0, 0, 20, 0, 0, 0, 0);
        // the greatest of the middle window is at row 1, column 2
        assertThat(gradient(x, p -> PoolOp.maxPool2d(p, new Window(2, 2, 1, 1, 0, 0)), 1, 10, 100))
                .containsExactly(1, 0, 0, 100, 0, 0, 10, 0);
    }

    /** All windows of 2x2 of a few values, side by side. */
    @ParameterizedTest
    @MethodSource("backends")
    void gradientOfEveryKindOfSmallWindow(Backend b) {
        float[] kinds = {-1, -0f, 0, 1, Float.NaN};
        int windows = 5 * 5 * 5 * 5;
        float[] values = new float[4 * windows];
        float[] expected = new float[4 * windows];
        float[] dy = new float[windows];
        for (int w = 0; w < windows; w++) {
            int[] places = {2 * w, 2 * w + 1, 2 * windows + 2 * w, 2 * windows + 2 * w + 1};
            int first = 0;
            for (int p = 0, digits = w; p < 4; p++, digits /= 5) {
                values[places[p]] = kinds[digits % 5];
                float best = values[places[first]];
                if (values[places[p]] > best || Float.isNaN(values[places[p]]) && !Float.isNaN(best)) {
                    first = p;
                }
            }
            dy[w] = w + 1;
            expected[places[first]] = w + 1;
        }
        assertThat(gradient(picture(b, 2, 2 * windows, values), x -> PoolOp.maxPool2d(x, Window.square(2, 2, 0)), dy))
                .isEqualTo(expected);
    }

    @ParameterizedTest
    @MethodSource("backends")
    void notANumberIsNotLost(Backend b) {
        for (int at = 0; at < 25; at++) {
            float[] values = new float[25];
            values[at] = Float.NaN;
            Tensor x = picture(b, 5, 5, values);
            assertThat(PoolOp.maxPool2d(x, Window.square(5, 5, 0)).item()).as("greatest, NaN at %d", at).isNaN();
            assertThat(PoolOp.avgPool2d(x, Window.square(5, 5, 0), true).item()).as("mean, NaN at %d", at).isNaN();
            float[] expected = new float[25];
            expected[at] = 2;
            assertThat(gradient(x, p -> PoolOp.maxPool2d(p, Window.square(5, 5, 0)), 2)).isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @MethodSource("backends")
    void meanWithAndWithoutThePadding(Backend b) {
        Tensor x = picture(b, 2, 3, 1, 2, 3, 4, 5, 6);
        Window w = Window.square(3, 2, 1);
        assertThat(PoolOp.avgPool2d(x, w, true).toFloats()).containsExactly(12 / 9f, 16 / 9f);
        assertThat(PoolOp.avgPool2d(x, w, false).toFloats()).containsExactly(12 / 4f, 16 / 4f);
        assertThat(gradient(x, p -> PoolOp.avgPool2d(p, w, true), 9, 18)).containsExactly(1, 3, 2, 1, 3, 2);
        assertThat(gradient(x, p -> PoolOp.avgPool2d(p, w, false), 4, 8)).containsExactly(1, 3, 2, 1, 3, 2);
    }

    @ParameterizedTest
    @MethodSource("backends")
    void meanIsSummedByColumns(Backend b) {
        // by rows it would be (1e8 + 1) - 1e8 + 1 = 1 in F32
        Tensor x = picture(b, 2, 2, 1e8f, 1, -1e8f, 1);
        assertThat(PoolOp.avgPool2d(x, Window.square(2, 2, 0), false).item()).isEqualTo(0.5f);
        // a whole picture of many vectors, against the order that is promised
        int side = 53;
        float[] values = random(side * side, 1);
        float sum = 0;
        for (int c = 0; c < side; c++) {
            float column = 0;
            for (int r = 0; r < side; r++) {
                column += values[r * side + c];
            }
            sum += column;
        }
        assertThat(PoolOp.avgPool2d(picture(b, side, side, values), Window.square(side, 1, 0), false).item())
                .isEqualTo(sum / (side * side));
    }

    @Test
    void refusesWindowsThatCannotBe() {
        Backend b = TestBackends.available().getFirst();
        Tensor x = picture(b, 2, 3, 1, 2, 3, 4, 5, 6);
        assertThatThrownBy(() -> PoolOp.maxPool2d(x, Window.square(3, 1, 0)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("pool2d: picture 2x3, padding 0x0 (expected at least the kernel, 3x3, with the padding on"
                        + " both sides)");
        assertThatThrownBy(() -> PoolOp.avgPool2d(x, Window.square(3, 1, 2), true))
                .hasMessage("pool2d: padding 2x2 (expected 0 to half of the kernel 3x3)");
        assertThatThrownBy(() -> PoolOp.maxPool2d(x, Window.square(2, 1, Integer.MAX_VALUE)))
                .hasMessageContaining("expected 0 to half");
        assertThatThrownBy(() -> PoolOp.maxPool2d(x, Window.square(2, 1, -1))).hasMessageContaining("padding -1x-1");
        assertThatThrownBy(() -> PoolOp.maxPool2d(x, Window.square(2, 0, 0))).hasMessageContaining("stride 0x0");
        assertThatThrownBy(() -> PoolOp.maxPool2d(x, new Window(0, 1, 1, 1, 0, 0))).hasMessageContaining("kernel 0x1");
        assertThatThrownBy(() -> PoolOp.avgPool2d(x, Window.square(4097, 1, 2048), true))
                .hasMessage("pool2d: kernel 4097x4097 (expected at most 2^24 pixels, which F32 still counts exactly)");
        assertThatThrownBy(() -> PoolOp.maxPool2d(x.reshape(2, 3), Window.square(1, 1, 0)))
                .hasMessageStartingWith("maxPool2d: x of shape").hasMessageContaining("expected 4 dimensions");
    }

    @Test
    void sizesOfTheOutputAreThoseOfEveryFramework() {
        for (int[] s : new int[][] {
            // in, kernel, stride, pad, out
            {147, 3, 2, 0, 73}, {71, 3, 2, 0, 35}, {35, 3, 2, 0, 17}, {17, 3, 2, 0, 8}, {35, 3, 1, 1, 35},
            {224, 2, 2, 0, 112}, {7, 2, 2, 0, 3}, {1, 2, 1, 1, 2}, {2, 2, 5, 0, 1}}) {
            Pool2dShape p = new Pool2dShape(1, s[0], s[0], s[1], s[1], s[2], s[2], s[3], s[3]);
            assertThat(p.outHeight()).as(p.toString()).isEqualTo(s[4]);
            assertThat(p.outWidth()).isEqualTo(s[4]);
        }
        int most = 1 << 24;
        assertThat(new Pool2dShape(1, 9, 1, most, 1, 1, 1, most / 2, 0).outHeight()).isEqualTo(10);
        assertThat(new Pool2dShape(1, Integer.MAX_VALUE, 1, most, 1, most, 1, most / 2, 0).outHeight()).isEqualTo(128);
    }
}
