package org.aimjvm.train;

import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.aimjvm.checkpoint.ModelInfo;
import org.aimjvm.vq.VqModel;

/**
 * Trains a tokenizer's decoder alone, to make pictures of codes as a sequence model draws them: the pairs come from
 * {@link org.aimjvm.data.CodeRegenerator}, the losses are those of stage 1 between pictures (reconstruction +
 * perceptual + adversarial). Encoder and codebook stay, so the codes of pictures and the sequence model stay right.
 */
public final class DecoderTrainer extends Trainer {
    /** Name of the player that is the decoder. */
    public static final String DECODER = "decoder";

    private final DecoderTask task;

    /**
     * @param model trained in place; all but its decoder is frozen, by {@link org.aimjvm.vq.VqFreeze}
     * @param train pairs to train on
     * @param validation pairs to validate on, or {@code null} for none
     * @param options losses and recipe; of the codebook the default
     * @param info what checkpoints keep beside the weights
     * @param workers this worker's place among those that train together
     * @throws IllegalArgumentException if pairs do not fit the model, or more than the decoder would be trained
     */
    public DecoderTrainer(
            VqModel model, CodePairs train, CodePairs validation, VqOptions options, ModelInfo info, RunOptions run,
            Workers workers, TrainListener listener) {
        this(new DecoderTask(model, train, validation, options, info), options, run, workers, listener);
    }

    private DecoderTrainer(
            DecoderTask task, VqOptions options, RunOptions run, Workers workers, TrainListener listener) {
        super(task, options.recipe(), run, workers, listener);
        this.task = task;
    }

    /**
     * Measures the validation pairs as the decoder is now, with the averaged weights if the recipe keeps them.
     *
     * @param most pairs to use, 0 for all
     * @return loss and PSNR of the pairs, and PSNR of reconstructions, by name; empty if there are no pairs
     */
    public Map<String, Double> validate(int most) {
        AtomicReference<Map<String, Double>> measures = new AtomicReference<>();
        withAverages(() -> measures.set(task.validate(most)));
        return measures.get();
    }
}
