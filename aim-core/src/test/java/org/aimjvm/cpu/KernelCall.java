package org.aimjvm.cpu;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Storage;

/**
 * One kernel at one size, called with storages that are larger than it may touch.
 *
 * @param outputs elements of each output
 * @param inputs elements of each F32 input
 * @param ids number of I32 inputs' elements, 0 for none; they follow the F32 inputs
 * @param vocab bound of the ids
 */
record KernelCall(String name, int[] outputs, int[] inputs, int ids, int vocab, Body body) {
    /** Elements of a storage beyond what a kernel may read or write. */
    private static final int GUARD = 37;

    private static final float GUARD_VALUE = 12345.678f;

    /** The kernel call itself. */
    @FunctionalInterface
    interface Body {
        void run(Backend backend, Storage[] out, Storage[] in);
    }

    /** A call without ids. */
    static KernelCall of(String name, int[] outputs, int[] inputs, Body body) {
        return new KernelCall(name, outputs, inputs, 0, 0, body);
    }

    /** Sizes, for readable lists of calls. */
    static int[] sizes(int... sizes) {
        return sizes;
    }

    /** Outputs on {@code backend} for inputs drawn from {@code seed}; fails if the kernel wrote past an output. */
    float[][] run(Backend backend, long seed) {
        return run(backend, seed, new float[0]);
    }

    /** As {@link #run(Backend, long)} with each of {@code special} here and there among the inputs. */
    float[][] run(Backend backend, long seed, float[] special) {
        Storage[] out = new Storage[outputs.length];
        for (int i = 0; i < outputs.length; i++) {
            float[] values = new float[outputs[i] + GUARD];
            Arrays.fill(values, GUARD_VALUE);
            out[i] = storage(backend, values);
        }
        body.run(backend, out, makeInputs(backend, seed, special));
        float[][] results = new float[outputs.length][];
        for (int i = 0; i < outputs.length; i++) {
            float[] values = new float[outputs[i] + GUARD];
            backend.read(out[i], 0, values, 0, values.length);
            for (int j = outputs[i]; j < values.length; j++) {
                if (values[j] != GUARD_VALUE) {
                    throw new AssertionError(name + ": output " + i + " written at " + j + ", size " + outputs[i]);
                }
            }
            results[i] = Arrays.copyOf(values, outputs[i]);
        }
        return results;
    }

    /** Inputs in [-2, 2), with NaN after their ends. */
    private Storage[] makeInputs(Backend backend, long seed, float[] special) {
        SplittableRandom random = new SplittableRandom(seed);
        Storage[] in = new Storage[inputs.length + (ids > 0 ? 1 : 0)];
        for (int i = 0; i < inputs.length; i++) {
            float[] values = new float[inputs[i] + GUARD];
            Arrays.fill(values, Float.NaN);
            for (int j = 0; j < inputs[i]; j++) {
                values[j] = (float) random.nextDouble(-2, 2);
            }
            for (int j = 0; j < special.length; j++) {
                for (int at = j * 3; at < inputs[i]; at += 1 + inputs[i] / 3) {
                    values[at] = special[j];
                }
            }
            in[i] = storage(backend, values);
        }
        if (ids > 0) {
            int[] values = new int[ids + GUARD];
            Arrays.fill(values, Integer.MIN_VALUE);
            for (int j = 0; j < ids; j++) {
                values[j] = random.nextInt(vocab);
            }
            in[inputs.length] = backend.allocate(DType.I32, values.length);
            backend.write(in[inputs.length], 0, values, 0, values.length);
        }
        return in;
    }

    private static Storage storage(Backend backend, float[] values) {
        Storage s = backend.allocate(DType.F32, values.length);
        backend.write(s, 0, values, 0, values.length);
        return s;
    }

    @Override
    public String toString() {
        return name;
    }
}
