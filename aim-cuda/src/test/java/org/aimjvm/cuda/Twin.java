package org.aimjvm.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Storage;

/**
 * A storage on the device and its like on the scalar backend. Behind its elements there are more, which no kernel may
 * use: NaN after inputs, which spreads to what is made of it, and numbers that must stay after outputs.
 */
final class Twin {
    private static final int BEHIND = 67;
    private static final float MARK = -12345.5f;
    private static final Backend REFERENCE = CudaTests.reference();

    private final int n;
    private final boolean output;
    private final Storage onDevice;
    private final Storage onReference;

    private Twin(int n, boolean output, DType dtype) {
        this.n = n;
        this.output = output;
        this.onDevice = CudaTests.backend().allocate(dtype, n + BEHIND);
        this.onReference = REFERENCE.allocate(dtype, n + BEHIND);
    }

    private static Twin of(float[] values, boolean output) {
        Twin t = new Twin(values.length, output, DType.F32);
        float[] all = Arrays.copyOf(values, values.length + BEHIND);
        Arrays.fill(all, values.length, all.length, output ? MARK : Float.NaN);
        CudaTests.backend().write(t.onDevice, 0, all, 0, all.length);
        REFERENCE.write(t.onReference, 0, all, 0, all.length);
        return t;
    }

    private static Twin of(int[] values, boolean output) {
        Twin t = new Twin(values.length, output, DType.I32);
        int[] all = Arrays.copyOf(values, values.length + BEHIND);
        Arrays.fill(all, values.length, all.length, output ? (int) MARK : Integer.MAX_VALUE);
        CudaTests.backend().write(t.onDevice, 0, all, 0, all.length);
        REFERENCE.write(t.onReference, 0, all, 0, all.length);
        return t;
    }

    /** An input. */
    static Twin of(float... values) {
        return of(values, false);
    }

    /** An input. */
    static Twin of(int... values) {
        return of(values, false);
    }

    /** An input of numbers in [low, high). */
    static Twin random(long seed, double low, double high, int n) {
        return of(floats(seed, low, high, n), false);
    }

    /** An input of integers in [0, bound). */
    static Twin ints(long seed, int bound, int n) {
        SplittableRandom random = new SplittableRandom(seed);
        int[] values = new int[n];
        Arrays.setAll(values, i -> random.nextInt(bound));
        return of(values, false);
    }

    /** An output, NaN before it is written. */
    static Twin output(int n) {
        float[] values = new float[n];
        Arrays.fill(values, Float.NaN);
        return of(values, true);
    }

    /** An output of integers. */
    static Twin intOutput(int n) {
        int[] values = new int[n];
        Arrays.fill(values, -77);
        return of(values, true);
    }

    /** An input that is modified. */
    static Twin modified(float... values) {
        return of(values, true);
    }

    /** An input that is modified. */
    static Twin modified(int... values) {
        return of(values, true);
    }

    static float[] floats(long seed, double low, double high, int n) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextDouble(low, high);
        }
        return values;
    }

    /** Does the same on both. */
    static void run(Consumer<Backend> work) {
        work.accept(CudaTests.backend());
        work.accept(REFERENCE);
    }

    Storage on(Backend b) {
        return b == REFERENCE ? onReference : onDevice;
    }

    private float[] read(Backend b) {
        float[] all = new float[n + BEHIND];
        b.read(on(b), 0, all, 0, all.length);
        if (output) {
            for (int i = n; i < all.length; i++) {
                assertThat(all[i]).as("element " + i + ", behind the end").isEqualTo(MARK);
            }
        }
        return Arrays.copyOf(all, n);
    }

    float[] device() {
        return read(CudaTests.backend());
    }

    int[] deviceInts() {
        return ints(CudaTests.backend());
    }

    private int[] ints(Backend b) {
        int[] all = new int[n + BEHIND];
        b.read(on(b), 0, all, 0, all.length);
        if (output) {
            for (int i = n; i < all.length; i++) {
                assertThat(all[i]).as("element " + i + ", behind the end").isEqualTo((int) MARK);
            }
        }
        return Arrays.copyOf(all, n);
    }

    /**
     * The device's elements are those of the reference up to {@code tolerance} of their norm, and each up to 100 times
     * that.
     */
    void assertClose(String what, double tolerance) {
        float[] got = read(CudaTests.backend());
        float[] expected = read(REFERENCE);
        double error = 0;
        double norm = 1e-30;
        for (int i = 0; i < n; i++) {
            error += Math.pow(got[i] - (double) expected[i], 2);
            norm += Math.pow(expected[i], 2);
        }
        assertThat(Math.sqrt(error / norm)).as(what + ": normalised error").isLessThanOrEqualTo(tolerance);
        double limit = 100 * tolerance * Math.sqrt(norm / Math.max(1, n));
        for (int i = 0; i < n; i++) {
            if (!(Math.abs(got[i] - expected[i]) <= limit + 10 * tolerance * Math.abs(expected[i]))) {
                assertThat(got[i]).as(what + ": element " + i).isEqualTo(expected[i]);
            }
        }
    }

    /** The device's elements are those of the reference, bit by bit. */
    void assertSame(String what) {
        if (onDevice.dtype() == DType.I32) {
            assertThat(ints(CudaTests.backend())).as(what).isEqualTo(ints(REFERENCE));
        } else {
            assertThat(read(CudaTests.backend())).as(what).isEqualTo(read(REFERENCE));
        }
    }
}
