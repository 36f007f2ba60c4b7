package org.aimjvm.train;

import java.util.Map;
import java.util.Objects;
import org.aimjvm.nn.Params;
import org.aimjvm.optim.AdamWOptions;
import org.aimjvm.optim.LrSchedule;
import org.aimjvm.tensor.Tensor;

/**
 * One side of a training step: what it trains, how, and by which loss. A tokenizer alone is one player; a discriminator
 * that judges its pictures is a second, with an optimiser and a schedule of its own.
 *
 * @param name unique among the players; letters, digits and hyphens, since files of checkpoints are called by it
 * @param params its trainable tensors are trained by this player alone; all of them are saved
 * @param optimizer settings of its AdamW, with the peak learning rate
 * @param schedule learning rate by the player's own steps, counted from {@code firstStep}
 * @param firstStep step of the run, from 0, in which it joins
 * @param averaged whether its parameters are averaged, if the recipe averages at all
 * @param loss what it makes small
 * @param <B> what a pass is computed from, see {@link TrainTask#read}
 */
public record Player<B>(String name, Params params, AdamWOptions optimizer, LrSchedule schedule, int firstStep,
        boolean averaged, PassLoss<B> loss) {

    /**
     * The loss of a pass.
     *
     * @param loss scalar, the mean over the examples of the pass
     * @param parts terms and measures by name, each a mean over the examples
     */
    public record Loss(Tensor loss, Map<String, Double> parts) {}

    /** Computes a loss. */
    @FunctionalInterface
    public interface PassLoss<B> {
        /**
         * Called inside an open training scope that all players of the pass share, in their order: a later player may
         * use what an earlier one made in the same pass. A pure function of parameters and arguments.
         */
        Loss of(MicroBatch rows, B batch);
    }

    public Player {
        Objects.requireNonNull(params, "params");
        Objects.requireNonNull(optimizer, "optimizer");
        Objects.requireNonNull(schedule, "schedule");
        Objects.requireNonNull(loss, "loss");
        if (!name.matches("[A-Za-z0-9-]+")) {
            throw new IllegalArgumentException("player: \"" + name + "\" (expected letters, digits and hyphens)");
        }
        if (firstStep < 0) {
            throw new IllegalArgumentException("firstStep: " + firstStep + " (expected at least 0)");
        }
        params.requireTrainable(name);
    }

    /** A player that is there from the start and trained as {@code recipe} says, averages included. */
    public static <B> Player<B> of(String name, Params params, TrainRecipe recipe, PassLoss<B> loss) {
        return new Player<>(name, params, recipe.optimizer(), recipe.schedule(), 0, true, loss);
    }
}
