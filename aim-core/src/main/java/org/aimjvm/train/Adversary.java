package org.aimjvm.train;

import static org.aimjvm.op.elementwise.ArithmeticOp.add;
import static org.aimjvm.op.elementwise.ArithmeticOp.affine;
import static org.aimjvm.op.elementwise.ArithmeticOp.scale;
import static org.aimjvm.op.elementwise.PointwiseOp.relu;
import static org.aimjvm.op.elementwise.PointwiseOp.square;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;
import org.aimjvm.data.PictureSource;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.TensorSource;
import org.aimjvm.nn.BatchStatistics;
import org.aimjvm.nn.Params;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.optim.LrSchedule;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.PatchDiscriminator;
import org.aimjvm.vq.VqModel;

/**
 * The discriminator of a run of stage 1: the tokenizer's loss through it, its own loss, and what it remembers between
 * steps. Passes only compute and collect; everything moves in {@link #afterStep}.
 */
final class Adversary {
    static final String PLAYER = VqTrainer.DISCRIMINATOR;

    private static final String LOGITS = "lecam_logits";
    private static final double DECAY = 0.999;

    private final AdversarialOptions options;
    private final PatchDiscriminator discriminator;
    private final PatchDiscriminator constant;
    private final DiffAugment augment;
    private final BatchStatistics seen = new BatchStatistics();
    /** Means of the logits of real and of generated pictures, pass by pass of the step under way. */
    private final List<float[]> means = new ArrayList<>();

    private final ReconstructionWatch watch;
    private double reconstruction; // sum over the passes of the step under way
    private int passes;
    private double averageReal;
    private double averageFake;

    /** @throws IllegalArgumentException if pictures are too small for it */
    Adversary(AdversarialOptions options, Backend backend, int channels, int height, int width, long seed) {
        this.options = options;
        PatchDiscriminator.Config config =
                new PatchDiscriminator.Config(channels, options.width(), options.layers());
        if (Math.min(height, width) < config.leastSide()) {
            throw new IllegalArgumentException("discriminator: pictures of " + height + " x " + width
                    + " (expected at least " + config.leastSide() + " for " + options.layers()
                    + " layers; take fewer)");
        }
        this.discriminator = new PatchDiscriminator(Params.random(backend, seed + 1), config);
        this.constant = discriminator.constant();
        this.augment = new DiffAugment(options.augment(), seed);
        this.watch = new ReconstructionWatch(options.divergence());
    }

    /**
     * The discriminator that a run asks for; {@code null} for none.
     *
     * @throws IllegalArgumentException if pictures, or a frozen decoder, do not fit what is asked for
     */
    static Adversary of(VqOptions options, VqModel model, PictureSource train) {
        if (options.perceptual() != null) {
            options.perceptual().distance().requireFit(train.channels(), train.height(), train.width());
        }
        if (options.adversarial() != null && options.adversarial().adaptive()
                && !model.lastDecoderWeight().isParameter()) {
            throw new IllegalArgumentException(
                    "adaptive weight: the decoder's last convolution, at which it is measured,"
                            + " is frozen (expected a fixed weight, or a decoder that is trained)");
        }
        return options.adversarial() == null ? null
                : new Adversary(
                        options.adversarial(), model.backend(), train.channels(), train.height(), train.width(),
                        options.recipe().seed());
    }

    AdversarialOptions options() {
        return options;
    }

    PatchDiscriminator discriminator() {
        return discriminator;
    }

    /** Names of the measures of a pass, in the order of a table's columns; the tokenizer's first. */
    List<String> names() {
        List<String> names = new ArrayList<>(List.of("adversarial"));
        if (options.adaptive()) {
            names.add("adaptive_weight");
        }
        names.addAll(List.of("logits_real", "logits_fake"));
        if (options.leCam() > 0) {
            names.add("lecam");
        }
        return names;
    }

    /** The discriminator as a player; {@code loss} is {@link #loss} of what the tokenizer's pass made. */
    <B> Player<B> player(TrainRecipe recipe, Player.PassLoss<B> loss) {
        int steps = Math.max(1, recipe.steps() - options.fromStep());
        return new Player<>(
                PLAYER, discriminator.params(), options.optimizer(),
                new LrSchedule(recipe.schedule().kind(), 0, steps), options.fromStep(), false, loss);
    }

    /** Whether the discriminator's judgement counts for the tokenizer in this step. */
    boolean counts(int step) {
        return step >= options.countsFrom();
    }

    /** The tokenizer's loss: that its pictures are taken for real. Gives the discriminator no gradient. */
    Tensor ofGenerator(Tensor reconstruction, MicroBatch rows) {
        if (rows.pass() == 0) {
            begin();
        }
        return options.loss().ofGenerator(constant.forward(augment.apply(reconstruction, rows), seen));
    }

    private void begin() {
        seen.clear();
        means.clear();
    }

    /**
     * The discriminator's loss: to tell real from generated pictures.
     *
     * @param fake what the tokenizer's pass of the same rows made
     */
    Player.Loss loss(MicroBatch rows, Tensor real, Tensor fake) {
        if (rows.pass() == 0 && !counts(rows.step())) {
            begin(); // the tokenizer's pass has not
        }
        Tensor logitsReal = discriminator.forward(augment.apply(real, rows), seen);
        Tensor logitsFake = discriminator.forward(augment.apply(fake.detach(), rows), seen);
        float meanReal = ReduceOp.mean(logitsReal.detach()).item();
        float meanFake = ReduceOp.mean(logitsFake.detach()).item();
        means.add(new float[] {meanReal, meanFake});
        Map<String, Double> parts = new LinkedHashMap<>();
        parts.put("logits_real", (double) meanReal);
        parts.put("logits_fake", (double) meanFake);
        Tensor loss = options.loss().ofDiscriminator(logitsReal, logitsFake);
        if (options.leCam() > 0) {
            Tensor regulariser = add(
                    ReduceOp.mean(square(relu(affine(logitsReal, 1, (float) -averageFake)))),
                    ReduceOp.mean(square(relu(affine(logitsFake, -1, (float) averageReal)))));
            parts.put("lecam", (double) regulariser.item());
            loss = add(loss, scale(regulariser, (float) options.leCam()));
        }
        return new Player.Loss(loss, parts);
    }

    /** Notes the reconstruction loss of a pass, for {@link ReconstructionWatch}. */
    void note(MicroBatch rows, double lossOfPass) {
        if (rows.pass() == 0) {
            reconstruction = 0;
            passes = 0;
        }
        reconstruction += lossOfPass;
        passes++;
    }

    /** Whether it has left the reconstructions as they should be. */
    boolean isHealthy() {
        return watch.isGood();
    }

    /**
     * Moves running statistics and averages by what all workers saw in the step.
     *
     * @throws org.aimjvm.optim.DivergenceException if the reconstructions have been bad for too long
     */
    void afterStep(AfterStep step) {
        if (!means.isEmpty()) { // else it has not joined yet
            moveAverages(step);
        }
        float[] all = step.gather("reconstruction", new float[] {(float) (reconstruction / passes)});
        double sum = 0;
        for (float one : all) {
            sum += one;
        }
        watch.see(step.step(), sum / all.length);
    }

    private void moveAverages(AfterStep step) {
        seen.apply(mine -> step.gather("batch statistics", mine));
        float[] mine = new float[2 * means.size()];
        for (int i = 0; i < means.size(); i++) {
            mine[2 * i] = means.get(i)[0];
            mine[2 * i + 1] = means.get(i)[1];
        }
        float[] all = step.gather("logits", mine);
        double real = 0;
        double fake = 0;
        for (int i = 0; i < all.length; i += 2) {
            real += all[i];
            fake += all[i + 1];
        }
        int count = all.length / 2;
        averageReal = DECAY * averageReal + (1 - DECAY) * real / count;
        averageFake = DECAY * averageFake + (1 - DECAY) * fake / count;
        means.clear();
    }

    void save(SafeTensorsWriter file) {
        long[] bits = {Double.doubleToLongBits(averageReal), Double.doubleToLongBits(averageFake)};
        file.longs(LOGITS, Shape.of(2), () -> bits);
        watch.save(file);
    }

    void load(TensorSource file) {
        file.requireShape(LOGITS, Shape.of(2));
        long[] bits = file.readLongs(LOGITS);
        double real = Double.longBitsToDouble(bits[0]);
        double fake = Double.longBitsToDouble(bits[1]);
        if (!Double.isFinite(real) || !Double.isFinite(fake)) {
            throw new CheckpointException(
                    file.path(), LOGITS, "averages " + real + " and " + fake + ", expected finite numbers");
        }
        averageReal = real;
        averageFake = fake;
        watch.load(file);
    }
}
