package org.aimjvm.cuda;

import org.aimjvm.backend.Pool2dShape;
import org.aimjvm.backend.ResizeShape;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Sizes of many blocks and of none. What rounds nothing, or each operation by itself, has the reference's bits. */
class CudaPictureKernelsTest {
    private static final double BACKWARD = 5e-6;

    @BeforeAll
    static void available() {
        CudaTests.backend();
    }

    @ParameterizedTest
    @CsvSource({
        "1, 1, 1, 1, 1, 1, 1, 0, 0", "0, 5, 5, 3, 3, 1, 1, 1, 1", "7, 35, 34, 3, 3, 1, 1, 1, 1",
        "3, 73, 71, 3, 3, 2, 2, 0, 0", "5, 14, 15, 5, 2, 3, 1, 2, 1", "70, 8, 8, 8, 8, 1, 1, 0, 0",
        "2, 9, 9, 2, 2, 5, 4, 1, 0"})
    void pools(
            int planes, int height, int width, int kernelHeight, int kernelWidth, int strideHeight, int strideWidth,
            int padHeight, int padWidth) {
        Pool2dShape s = new Pool2dShape(
                planes, height, width, kernelHeight, kernelWidth, strideHeight, strideWidth, padHeight, padWidth);
        int in = planes * height * width;
        int out = planes * s.outHeight() * s.outWidth();
        Twin x = Twin.random(1, -2, 3, in);
        Twin dy = Twin.random(2, -1, 1, out);
        Twin max = Twin.output(out);
        Twin dMax = Twin.output(in);
        Twin.run(b -> {
            b.picture().maxPool2d(max.on(b), x.on(b), s);
            b.picture().maxPool2dBackward(dMax.on(b), dy.on(b), x.on(b), s);
        });
        max.assertSame("greatest");
        dMax.assertClose("gradient of the greatest", BACKWARD);
        for (boolean countPadding : new boolean[] {false, true}) {
            Twin mean = Twin.output(out);
            Twin dMean = Twin.output(in);
            Twin.run(b -> {
                b.picture().avgPool2d(mean.on(b), x.on(b), s, countPadding);
                b.picture().avgPool2dBackward(dMean.on(b), dy.on(b), s, countPadding);
            });
            mean.assertSame("mean, padding counted: " + countPadding);
            dMean.assertClose("gradient of the mean, padding counted: " + countPadding, BACKWARD);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "1, 1, 1, 1, 1", "0, 3, 3, 5, 5", "6, 5, 7, 11, 19", "5, 17, 33, 6, 9", "1, 64, 64, 299, 299",
        "2, 300, 200, 31, 400", "1, 1, 3, 700, 1"})
    void resizes(int planes, int height, int width, int outHeight, int outWidth) {
        int in = planes * height * width;
        int out = planes * outHeight * outWidth;
        Twin x = Twin.random(1, -2, 3, in);
        Twin dy = Twin.random(2, -1, 1, out);
        for (ResizeShape.Grid grid : ResizeShape.Grid.values()) {
            ResizeShape s = new ResizeShape(planes, height, width, outHeight, outWidth, grid);
            Twin y = Twin.output(out);
            Twin dx = Twin.output(in);
            Twin.run(b -> {
                b.picture().resizeBilinear(y.on(b), x.on(b), s);
                b.picture().resizeBilinearBackward(dx.on(b), dy.on(b), s);
            });
            y.assertSame("bilinear, " + grid);
            dx.assertClose("gradient, " + grid, BACKWARD);
        }
        ResizeShape s = new ResizeShape(planes, height, width, outHeight, outWidth, ResizeShape.Grid.CORNER);
        Twin y = Twin.output(out);
        Twin dx = Twin.output(in);
        Twin.run(b -> {
            b.picture().resizeNearest(y.on(b), x.on(b), s);
            b.picture().resizeNearestBackward(dx.on(b), dy.on(b), s);
        });
        y.assertSame("nearest");
        dx.assertClose("gradient of the nearest", BACKWARD);
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 1, 1", "0, 3, 4, 4", "5, 3, 9, 21", "2, 2, 40, 31"})
    void shifts(int batch, int channels, int height, int width) {
        int n = batch * channels * height * width;
        Twin x = Twin.random(1, -2, 3, n);
        int[] far = {0, 1, -1, 3, -2, 39, -39, Integer.MAX_VALUE, Integer.MIN_VALUE, 5};
        int[] offsets = new int[2 * batch];
        System.arraycopy(far, 0, offsets, 0, offsets.length);
        Twin by = Twin.of(offsets);
        for (int sign : new int[] {1, -1}) {
            Twin y = Twin.output(n);
            Twin.run(b -> b.picture().shift(y.on(b), x.on(b), by.on(b), sign, batch, channels, height, width));
            y.assertSame("shifted, " + sign);
        }
    }
}
