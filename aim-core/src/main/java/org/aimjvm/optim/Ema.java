package org.aimjvm.optim;

import java.util.LinkedHashMap;
import java.util.Map;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.TensorSource;
import org.aimjvm.tensor.Tensor;

/**
 * Exponential moving average of parameters, {@code a = d a + (1 - d) w} after every step.
 *
 * <p>The average starts as the parameters themselves, and the n-th update (from 0) uses
 * {@code d = min(decay, (1 + n) / (10 + n))}, so that the random start does not weigh on short runs.
 */
public final class Ema {
    private static final String UPDATES = "updates";

    private final Map<String, Tensor> params;
    private final Map<String, Tensor> averages = new LinkedHashMap<>();
    private final double decay;
    private int updates;
    private boolean swapped;

    /**
     * @param params by name; the map is copied, the tensors are Modified by {@link #swap} only
     * @param decay d, in [0, 1)
     */
    public Ema(Map<String, Tensor> params, double decay) {
        if (!(decay >= 0 && decay < 1)) {
            throw new IllegalArgumentException("EMA decay: " + decay + " (expected 0 <= decay < 1)");
        }
        this.params = new LinkedHashMap<>(params);
        this.decay = decay;
        this.params.forEach((name, p) -> {
            Tensor average = Tensor.persistent(p.backend(), p.shape());
            average.write(p);
            averages.put(name, average);
        });
    }

    /** Moves the averages towards the parameters. */
    public void update() {
        requireNotSwapped();
        float d = (float) Math.min(decay, (1.0 + updates) / (10.0 + updates));
        params.forEach((name, p) -> p.backend().optim().ema(averages.get(name).storage(), p.storage(), d, p.size()));
        updates++;
    }

    /**
     * Takes over {@code count} elements of a parameter, from {@code offset} on, that were replaced rather than trained.
     */
    public void adopt(String name, int offset, int count) {
        Tensor p = params.get(name);
        p.backend().copy(averages.get(name).storage(), offset, p.storage(), offset, count);
    }

    /** Averages in the parameters' place until closed. */
    public final class Swapped implements AutoCloseable {
        private Swapped() {}

        /** Puts the parameters back, bitwise. */
        @Override
        public void close() {
            if (swapped) {
                exchange();
                swapped = false;
            }
        }
    }

    /**
     * Exchanges parameters and averages, for sampling and validation, until the result is closed. Parameters are
     * bitwise the same afterwards.
     */
    public Swapped swap() {
        requireNotSwapped();
        exchange();
        swapped = true;
        return new Swapped();
    }

    private void exchange() {
        params.forEach((name, p) -> {
            Tensor average = averages.get(name);
            float[] w = p.toFloats();
            p.write(average);
            average.write(w);
        });
    }

    private void requireNotSwapped() {
        if (swapped) {
            throw new IllegalStateException("EMA: the averages are swapped in (close the Swapped first)");
        }
    }

    /** The averages by parameter name; while swapped in, the parameters' own values. */
    public Map<String, Tensor> averages() {
        return new LinkedHashMap<>(averages);
    }

    /** Adds the averages to {@code file} under the parameters' names, and the number of updates to its metadata. */
    public void save(SafeTensorsWriter file) {
        requireNotSwapped();
        file.metadata(UPDATES, Integer.toString(updates));
        averages.forEach((name, a) -> NamedTensors.add(file, name, a));
    }

    /**
     * Restores what {@link #save} wrote.
     *
     * @throws CheckpointException if it is of other parameters; nothing is changed then
     */
    public void load(TensorSource file) {
        requireNotSwapped();
        int count = NamedTensors.count(file, UPDATES);
        NamedTensors.load(file, averages);
        updates = count;
    }
}
