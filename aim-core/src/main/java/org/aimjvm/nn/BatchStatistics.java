package org.aimjvm.nn;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * The statistics that the {@link BatchNorm2d} layers of a network saw in training passes, in the order of the passes,
 * until they are {@linkplain #apply applied}. So a pass is a pure function, and whoever runs the loop decides when the
 * running statistics move.
 */
public final class BatchStatistics {
    private record Seen(BatchNorm2d layer, float[] mean, float[] variance) {}

    private final List<Seen> seen = new ArrayList<>();

    void add(BatchNorm2d layer, float[] mean, float[] variance) {
        seen.add(new Seen(layer, mean, variance));
    }

    /** Moves the running statistics of all layers, pass by pass, and forgets what was seen. */
    public void apply() {
        seen.forEach(s -> s.layer.move(s.mean, s.variance));
        seen.clear();
    }

    /**
     * As {@link #apply()} for workers that each saw a part of every batch: all move by the mean of what they saw.
     *
     * @param gather the numbers of all workers one after another, from those of this one
     */
    public void apply(UnaryOperator<float[]> gather) {
        int size = seen.stream().mapToInt(s -> 2 * s.layer.channels()).sum();
        float[] mine = new float[size];
        int at = 0;
        for (Seen s : seen) {
            for (float[] part : List.of(s.mean, s.variance)) {
                System.arraycopy(part, 0, mine, at, part.length);
                at += part.length;
            }
        }
        float[] all = gather.apply(mine);
        if (size == 0 || all.length == size) {
            apply();
            return;
        }
        int workers = all.length / size;
        at = 0;
        for (Seen s : seen) {
            for (float[] part : List.of(s.mean, s.variance)) {
                for (int i = 0; i < part.length; i++, at++) {
                    double sum = 0;
                    for (int w = 0; w < workers; w++) {
                        sum += all[w * size + at];
                    }
                    part[i] = (float) (sum / workers);
                }
            }
        }
        apply();
    }

    /** Forgets what was seen. */
    public void clear() {
        seen.clear();
    }
}
