package org.aimjvm.train;

import java.util.Arrays;
import java.util.Map;
import org.aimjvm.optim.AdamW;
import org.aimjvm.optim.Ema;

/**
 * The objects that a task may use after the parameters have been updated.
 *
 * @param step from 0
 * @param optimizers by the players' names
 * @param ema the averaged parameters before their update, or {@code null} if none are kept
 * @param sync how workers exchange what they have seen; all must do the same to the parameters
 */
public record AfterStep(int step, Map<String, AdamW> optimizers, Ema ema, GradientSync sync) {

    /** The numbers of all workers, in the order of their ranks. */
    public int[] gather(String what, int[] mine) {
        if (sync == GradientSync.NONE) {
            return mine;
        }
        return Arrays.stream(sync.gather(step, what, Arrays.stream(mine).asDoubleStream().toArray()))
                .mapToInt(v -> (int) v)
                .toArray();
    }

    /** As {@link #gather(String, int[])}, bitwise. */
    public float[] gather(String what, float[] mine) {
        if (sync == GradientSync.NONE) {
            return mine;
        }
        double[] values = new double[mine.length];
        Arrays.setAll(values, i -> mine[i]);
        double[] all = sync.gather(step, what, values);
        float[] floats = new float[all.length];
        for (int i = 0; i < all.length; i++) {
            floats[i] = (float) all[i];
        }
        return floats;
    }
}
