package org.aimjvm.train;

import org.aimjvm.backend.Shape;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.TensorSource;
import org.aimjvm.optim.DivergenceException;

/** Notices that a discriminator drives the reconstructions away from the pictures. */
final class ReconstructionWatch {
    private static final String STATE = "reconstruction_watch";
    private static final double DECAY = 0.98;
    /** Steps that an average needs before it means anything. */
    private static final int SETTLED = 50;

    private final double factor; // 0: never
    private int steps;
    private int bad;
    private double average;
    private double least = Double.POSITIVE_INFINITY;

    /** @param factor see {@link AdversarialOptions#divergence} */
    ReconstructionWatch(double factor) {
        this.factor = factor;
    }

    /** Whether the reconstructions are as they should be; checkpoints are kept while they are not. */
    boolean isGood() {
        return bad == 0;
    }

    /**
     * Takes the reconstruction loss of a step.
     *
     * @param step from 0
     * @throws DivergenceException if it has been bad for too long
     */
    void see(int step, double reconstruction) {
        steps++;
        average = steps == 1 ? reconstruction : DECAY * average + (1 - DECAY) * reconstruction;
        if (factor == 0 || steps < SETTLED) {
            return;
        }
        least = Math.min(least, average);
        bad = average > factor * least ? bad + 1 : 0;
        if (bad >= AdversarialOptions.PATIENCE) {
            throw new DivergenceException("reconstruction: " + (float) average + " in step " + (step + 1) + ", "
                    + AdversarialOptions.PATIENCE + " steps above " + (float) factor + " times its least, "
                    + (float) least + " (the discriminator wins: lower its weight or learning rate, or let it join"
                    + " later)", bad);
        }
    }

    void save(SafeTensorsWriter file) {
        long[] state = {steps, bad, Double.doubleToLongBits(average), Double.doubleToLongBits(least)};
        file.longs(STATE, Shape.of(state.length), () -> state);
    }

    void load(TensorSource file) {
        file.requireShape(STATE, Shape.of(4));
        long[] state = file.readLongs(STATE);
        boolean counts = state[0] >= 0 && state[0] <= Integer.MAX_VALUE && state[1] >= 0 && state[1] <= state[0];
        if (!counts || !(Double.longBitsToDouble(state[2]) >= 0) || !(Double.longBitsToDouble(state[3]) >= 0)) {
            throw new CheckpointException(
                    file.path(), STATE, state[0] + " steps, " + state[1] + " of them bad, average "
                            + Double.longBitsToDouble(state[2]) + ", least " + Double.longBitsToDouble(state[3])
                            + ", expected counts from 0, not more bad than all, and numbers from 0");
        }
        steps = (int) state[0];
        bad = (int) state[1];
        average = Double.longBitsToDouble(state[2]);
        least = Double.longBitsToDouble(state[3]);
    }
}
