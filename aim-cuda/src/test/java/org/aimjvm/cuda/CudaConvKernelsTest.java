package org.aimjvm.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BiConsumer;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Conv2dShape;
import org.aimjvm.backend.ConvKernels.Norm;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.MatmulPrecision;
import org.aimjvm.backend.NormKernels.GroupShape;
import org.aimjvm.backend.Storage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CudaConvKernelsTest {
    private static final int GUARD = 67;
    private static final float GUARD_VALUE = -12345.5f;

    private final Backend scalar = CudaTests.reference();

    /** Allocates the same inputs and outputs on one backend in the order asked for. */
    private static final class Bench {
        final Backend backend;
        final SplittableRandom random = new SplittableRandom(5);
        final List<Storage> outputs = new ArrayList<>();
        final List<Integer> sizes = new ArrayList<>();

        Bench(Backend backend) {
            this.backend = backend;
        }

        /** Random values around 0, NaN after them. */
        Storage in(int n) {
            float[] values = new float[n + GUARD];
            Arrays.fill(values, Float.NaN);
            for (int i = 0; i < n; i++) {
                values[i] = (float) random.nextDouble(-1, 1);
            }
            Storage s = backend.allocate(DType.F32, values.length);
            backend.write(s, 0, values, 0, values.length);
            return s;
        }

        Storage in(boolean there, int n) {
            return there ? in(n) : null;
        }

        /** To be written wholly: NaN, a guard after it. */
        Storage out(int n) {
            float[] values = new float[n + GUARD];
            Arrays.fill(values, 0, n, Float.NaN);
            Arrays.fill(values, n, n + GUARD, GUARD_VALUE);
            Storage s = backend.allocate(DType.F32, values.length);
            backend.write(s, 0, values, 0, values.length);
            outputs.add(s);
            sizes.add(n);
            return s;
        }

        Storage out(boolean there, int n) {
            return there ? out(n) : null;
        }

        float[] read(int i) {
            float[] values = new float[sizes.get(i) + GUARD];
            backend.read(outputs.get(i), 0, values, 0, values.length);
            for (int g = sizes.get(i); g < values.length; g++) {
                assertThat(values[g]).as("guard %d of output %d", g - sizes.get(i), i).isEqualTo(GUARD_VALUE);
            }
            return Arrays.copyOf(values, sizes.get(i));
        }
    }

    private void compare(String what, Backend cuda, double tolerance, BiConsumer<Backend, Bench> call) {
        Bench expected = new Bench(scalar);
        call.accept(scalar, expected);
        Bench actual = new Bench(cuda);
        call.accept(cuda, actual);
        for (int i = 0; i < expected.outputs.size(); i++) {
            float[] e = expected.read(i);
            float[] a = actual.read(i);
            double error = 0;
            double norm = 0;
            for (int j = 0; j < e.length; j++) {
                error += ((double) a[j] - e[j]) * ((double) a[j] - e[j]);
                norm += (double) e[j] * e[j];
            }
            assertThat(Math.sqrt(error)).as("%s on %s, output %d", what, cuda.description(), i)
                    .isLessThanOrEqualTo(tolerance * Math.sqrt(norm));
        }
    }

    /** Both sizes of tiles, the whole batch at once and picture by picture. */
    private static List<Backend> backends(MatmulPrecision precision) {
        CudaBackend apart = CudaTests.backend(precision);
        ((CudaConvKernels) apart.conv()).limits(1, 0);
        return List.of(CudaTests.backend(precision), apart);
    }

    private static double tolerance(MatmulPrecision p) {
        return switch (p) {
            case F32 -> 1e-5;
            case BF16X3 -> 2e-5;
            case TF32 -> 2e-3;
            case BF16 -> 1e-2;
        };
    }

    private static Conv2dShape shape(
            int batch, int in, int height, int width, int out, int kernelHeight, int kernelWidth, int stride, int top,
            int left,
            int bottom, int right) {
        return new Conv2dShape(batch, in, height, width, out, kernelHeight, kernelWidth, stride,
                new Conv2dShape.Padding(top, left, bottom, right));
    }

    private static final List<Conv2dShape> SHAPES = List.of(
            shape(1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0),
            shape(2, 3, 5, 7, 4, 1, 1, 1, 0, 0, 0, 0),
            shape(2, 37, 5, 7, 41, 1, 1, 1, 0, 0, 0, 0),
            shape(1, 64, 6, 8, 32, 1, 1, 1, 0, 0, 0, 0),
            shape(1, 9, 7, 6, 10, 1, 1, 3, 0, 0, 0, 0),
            shape(2, 3, 9, 11, 20, 3, 3, 1, 1, 1, 1, 1),
            shape(1, 24, 9, 11, 3, 3, 3, 1, 1, 1, 1, 1),
            shape(1, 24, 9, 11, 1, 4, 4, 1, 1, 1, 1, 1),
            shape(3, 13, 6, 5, 19, 3, 3, 1, 1, 1, 1, 1),
            shape(2, 16, 8, 8, 24, 3, 3, 1, 1, 1, 1, 1),
            shape(2, 10, 8, 9, 14, 3, 3, 2, 0, 0, 1, 1),
            shape(1, 7, 9, 8, 11, 4, 4, 2, 1, 1, 1, 1),
            shape(1, 7, 9, 8, 11, 4, 4, 1, 1, 1, 1, 1),
            shape(1, 5, 11, 10, 12, 5, 5, 3, 2, 1, 0, 3),
            shape(1, 6, 4, 5, 9, 5, 2, 1, 3, 0, 2, 2),
            shape(2, 9, 7, 7, 6, 2, 5, 3, 0, 2, 1, 0),
            shape(1, 64, 7, 6, 70, 3, 3, 2, 0, 0, 1, 1),
            shape(1, 5, 5, 5, 96, 3, 3, 1, 1, 1, 1, 1),
            shape(1, 20, 4, 5, 130, 3, 3, 1, 1, 1, 1, 1),
            shape(1, 130, 4, 5, 17, 3, 3, 1, 1, 1, 1, 1),
            shape(1, 7, 6, 9, 10, 1, 7, 1, 0, 3, 0, 3),
            shape(1, 7, 9, 6, 10, 7, 1, 1, 3, 0, 3, 0),
            shape(2, 20, 17, 17, 36, 1, 7, 1, 0, 3, 0, 3),
            shape(2, 20, 17, 17, 36, 7, 1, 1, 3, 0, 3, 0),
            shape(0, 6, 4, 5, 9, 3, 3, 1, 1, 1, 1, 1));

    private static int x(Conv2dShape s) {
        return s.batch() * s.inChannels() * s.inHeight() * s.inWidth();
    }

    private static int y(Conv2dShape s) {
        return s.batch() * s.outChannels() * s.outHeight() * s.outWidth();
    }

    @ParameterizedTest
    @EnumSource(MatmulPrecision.class)
    void forward(MatmulPrecision precision) {
        boolean bias = false;
        for (Backend cuda : backends(precision)) {
            for (Conv2dShape s : SHAPES) { // of odd number: each shape with a bias and without
                bias = !bias;
                boolean withBias = bias;
                compare(s + ", bias " + bias, cuda, tolerance(precision), (b, in) -> b.conv()
                        .conv2d(
                                in.out(y(s)), in.in(x(s)), in.in(s.outChannels() * s.filterSize()),
                                in.in(withBias, s.outChannels()), s));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(MatmulPrecision.class)
    void backward(MatmulPrecision precision) {
        boolean bias = false;
        for (Backend cuda : backends(precision)) {
            for (Conv2dShape s : SHAPES) {
                bias = !bias;
                boolean withBias = bias;
                compare("input of " + s, cuda, tolerance(precision), (b, in) -> b.conv()
                        .conv2dBackwardInput(in.out(x(s)), in.in(y(s)), in.in(s.outChannels() * s.filterSize()), s));
                compare("weight of " + s + ", bias " + bias, cuda, tolerance(precision), (b, in) -> b.conv()
                        .conv2dBackwardWeight(
                                in.out(s.outChannels() * s.filterSize()), in.out(withBias, s.outChannels()),
                                in.in(y(s)),
                                in.in(x(s)), s));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(MatmulPrecision.class)
    void normSilu(MatmulPrecision precision) {
        for (Backend cuda : backends(precision)) {
            normSilu(cuda, precision);
        }
    }

    private void normSilu(Backend cuda, MatmulPrecision precision) {
        int[] groups = {1, 3, 4, 2, 3};
        List<Conv2dShape> shapes = List.of(
                shape(2, 12, 5, 7, 3, 3, 3, 1, 1, 1, 1, 1),
                shape(2, 15, 5, 7, 21, 3, 3, 1, 1, 1, 1, 1),
                shape(1, 64, 6, 4, 40, 3, 3, 1, 1, 1, 1, 1),
                shape(2, 10, 5, 6, 7, 1, 1, 1, 0, 0, 0, 0),
                shape(0, 12, 5, 7, 4, 3, 3, 1, 1, 1, 1, 1));
        for (int i = 0; i < shapes.size(); i++) {
            Conv2dShape s = shapes.get(i);
            int g = groups[i];
            for (boolean bias : new boolean[] {true, false}) {
                boolean residual = bias == (i % 2 == 0);
                compare(s + ", groups " + g + ", bias " + bias + ", residual " + residual, cuda, tolerance(precision),
                        (b, in) -> b
                                .conv()
                                .normSiluConv2d(
                                        in.out(y(s)), in.in(x(s)),
                                        new Norm(
                                                in.in(2 * s.batch() * g), in.in(s.inChannels()),
                                                in.in(s.inChannels()), g),
                                        in.in(s.outChannels() * s.filterSize()), in.in(bias, s.outChannels()),
                                        in.in(residual, y(s)), s));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(MatmulPrecision.class)
    void upsampled(MatmulPrecision precision) {
        Backend cuda = CudaTests.backend(precision);
        for (Conv2dShape s : List.of(
                shape(2, 3, 6, 10, 4, 3, 3, 1, 1, 1, 1, 1),
                shape(1, 21, 10, 14, 18, 3, 3, 1, 1, 1, 1, 1),
                shape(2, 16, 6, 8, 9, 4, 5, 1, 2, 1, 0, 3),
                shape(0, 3, 6, 10, 4, 3, 3, 1, 1, 1, 1, 1))) {
            for (boolean bias : new boolean[] {true, false}) {
                compare("upsampled " + s + ", bias " + bias, cuda, tolerance(precision), (b, in) -> b.conv()
                        .upsampleConv2d(
                                in.out(y(s)), in.in(x(s) / 4), in.in(s.outChannels() * s.filterSize()),
                                in.in(bias, s.outChannels()), s));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(MatmulPrecision.class)
    void upsampledHasBitsOfOneAfterTheOther(MatmulPrecision precision) {
        Backend cuda = CudaTests.backend(precision);
        Conv2dShape s = shape(2, 19, 8, 6, 10, 3, 3, 1, 1, 1, 1, 1);
        Bench in = new Bench(cuda);
        Storage x = in.in(x(s) / 4);
        Storage w = in.in(s.outChannels() * s.filterSize());
        Storage doubled = in.out(x(s));
        cuda.conv().upsampleNearest2x(doubled, x, s.batch() * s.inChannels(), s.inHeight() / 2, s.inWidth() / 2);
        cuda.conv().conv2d(in.out(y(s)), doubled, w, null, s);
        cuda.conv().upsampleConv2d(in.out(y(s)), x, w, null, s);
        assertThat(in.read(2)).isEqualTo(in.read(1));
    }

    @ParameterizedTest
    @EnumSource(MatmulPrecision.class)
    void normSiluHasBitsOfOneAfterTheOther(MatmulPrecision precision) {
        Backend cuda = CudaTests.backend(precision);
        for (int outs : new int[] {3, 21}) {
            Conv2dShape s = shape(2, 12, 9, 7, outs, 3, 3, 1, 1, 1, 1, 1);
            Bench in = new Bench(cuda);
            Storage x = in.in(x(s));
            Storage normWeight = in.in(s.inChannels());
            Storage normBias = in.in(s.inChannels());
            Storage w = in.in(s.outChannels() * s.filterSize());
            Storage bias = in.in(s.outChannels());
            Storage residual = in.in(y(s));
            Storage normal = in.out(x(s));
            Storage stats = in.out(2 * s.batch() * 4);
            cuda.norm()
                    .groupNorm(
                            normal, stats, x, normWeight, normBias,
                            new GroupShape(s.batch(), s.inChannels(), s.inHeight() * s.inWidth(), 4),
                            1e-6f, true);
            Storage plain = in.out(y(s));
            cuda.conv().conv2d(plain, normal, w, bias, s);
            cuda.elementwise().add(in.out(y(s)), residual, plain, y(s));
            cuda.conv().normSiluConv2d(in.out(y(s)), x, new Norm(stats, normWeight, normBias, 4), w, bias, residual, s);
            assertThat(in.read(4)).isEqualTo(in.read(3));
        }
    }

    /** So that training on more GPUs, or a picture alone, computes the same. */
    @Test
    void bitsDoNotDependOnBatch() {
        Backend cuda = CudaTests.backend();
        Conv2dShape three = shape(3, 20, 7, 9, 33, 3, 3, 1, 1, 1, 1, 1);
        Conv2dShape one = shape(1, 20, 7, 9, 33, 3, 3, 1, 1, 1, 1, 1);
        Bench in = new Bench(cuda);
        Storage x = in.in(x(three));
        Storage w = in.in(one.outChannels() * one.filterSize());
        cuda.conv().conv2d(in.out(y(three)), x, w, null, three);
        cuda.conv().conv2d(in.out(y(one)), x, w, null, one);
        assertThat(in.read(1)).isEqualTo(Arrays.copyOf(in.read(0), y(one)));
    }

    @ParameterizedTest
    @EnumSource(MatmulPrecision.class)
    void weightGradientOverManyPixels(MatmulPrecision precision) {
        CudaBackend cuda = CudaTests.backend(precision);
        ((CudaConvKernels) cuda.conv()).limits(34 * 31 * 8 * 4 * 2 + 64, 1); // two pictures, or four, and the others
        Conv2dShape s = shape(5, 5, 34, 31, 6, 3, 3, 1, 1, 1, 1, 1);
        compare("weight of " + s, cuda, tolerance(precision), (b, in) -> b.conv()
                .conv2dBackwardWeight(
                        in.out(s.outChannels() * s.filterSize()), in.out(s.outChannels()), in.in(y(s)), in.in(x(s)),
                        s));
    }

    @Test
    void morePicturesThanAGridHasBlocks() {
        Backend cuda = CudaTests.backend();
        Conv2dShape s = shape(65537, 1, 1, 1, 5, 1, 1, 1, 0, 0, 0, 0);
        compare("" + s, cuda, 1e-5, (b, in) -> b.conv().conv2d(in.out(y(s)), in.in(x(s)), in.in(5), null, s));
    }

    @Test
    void upsamples() {
        Backend cuda = CudaTests.backend();
        for (int[] size : new int[][] {{1, 1, 1}, {6, 5, 7}, {3, 16, 9}, {2, 31, 33}, {0, 3, 4}}) {
            int n = size[0] * size[1] * size[2];
            compare("upsample", cuda, 0,
                    (b, in) -> b.conv().upsampleNearest2x(in.out(4 * n), in.in(n), size[0], size[1], size[2]));
            compare("backward", cuda, 1e-7, (b, in) -> b.conv()
                    .upsampleNearest2xBackward(in.out(n), in.in(4 * n), size[0], size[1], size[2]));
        }
    }

    @Test
    void notANumberPasses() {
        Backend cuda = CudaTests.backend();
        Conv2dShape s = shape(1, 9, 4, 5, 7, 3, 3, 1, 1, 1, 1, 1);
        Bench in = new Bench(cuda);
        Storage x = in.in(x(s));
        cuda.write(x, 7, new float[] {Float.NaN}, 0, 1); // channel 0, row 1, column 2
        cuda.conv().conv2d(in.out(y(s)), x, in.in(s.outChannels() * s.filterSize()), null, s);
        float[] y = in.read(0);
        for (int i = 0; i < y.length; i++) {
            int row = i / 5 % 4;
            int col = i % 5;
            assertThat(Float.isNaN(y[i])).as("row %d, column %d", row, col).isEqualTo(row <= 2 && col >= 1 && col <= 3);
        }
    }
}
