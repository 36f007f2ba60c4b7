package org.aimjvm.measure;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.aimjvm.backend.Backend;
import org.aimjvm.checkpoint.Recipe;
import org.aimjvm.data.ArrayPictures;
import org.aimjvm.data.PictureSource;
import org.aimjvm.feature.Classifier;
import org.aimjvm.feature.ClassifierConfig;
import org.aimjvm.feature.ClassifierFolder;
import org.aimjvm.feature.ClassifierLevels;
import org.aimjvm.feature.Lpips;
import org.aimjvm.feature.PerceptualDistance;
import org.aimjvm.feature.Vgg16;
import org.aimjvm.nn.Params;
import org.aimjvm.optim.AdamWOptions;
import org.aimjvm.optim.LrSchedule;
import org.aimjvm.train.AdversarialOptions;
import org.aimjvm.train.PerceptualTerm;
import org.aimjvm.train.RunOptions;
import org.aimjvm.train.TrainRecipe;
import org.aimjvm.train.VqOptions;
import org.aimjvm.train.VqTrainer;
import org.aimjvm.vq.PatchDiscriminator;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;

/**
 * Steps of stage 1 on random pictures, with random weights in every network: what {@code aim train vq} does in a step,
 * averaged weights included. Operations and memory are counted from the calls of kernels that a step makes.
 *
 * @param name of the tokenizer
 * @param config of the tokenizer
 * @param side rows and columns of the pictures
 * @param losses that are summed
 * @param discriminatorWidth channels of the discriminator's first convolution, if there is one
 */
public record StageOne(String name, VqConfig config, int side, Losses losses, int discriminatorWidth) {
    private static final double LEARNING_RATE = 1e-4;
    private static final double EMA_DECAY = 0.999;
    private static final int CLASSES = 10;
    private static final int CLASSIFIER_WIDTH = 32;
    private static final int QUARTER = Vgg16.WIDTH / 4;

    /** What is summed, beside the losses of the codebook. */
    public enum Losses {
        /** Squared differences of pixels. */
        L2,
        /** L2 and a VGG16 of a quarter of the channels: {@code --perceptual random}. */
        RANDOM,
        /** L2 and the levels of a classifier: {@code --perceptual features}. */
        FEATURES,
        /** L2 and the whole VGG16: {@code --perceptual lpips}. */
        LPIPS,
        /** L2 and a patch discriminator of a fixed weight. */
        ADVERSARIAL,
        /** As {@link #ADVERSARIAL}, the weight adaptive. */
        ADAPTIVE,
        /** L2, the whole VGG16 and a discriminator of adaptive weight: the published recipe. */
        ALL;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }

        private boolean adversarial() {
            return this == ADVERSARIAL || this == ADAPTIVE || this == ALL;
        }
    }

    /** Tokenizers to measure, with discriminators of the published 64 channels. */
    public enum Preset {
        /** The published tokenizer on 256x256 pictures. */
        VQ_F16(VqConfig.f16(), 256, 1),
        /** A small one on 64x64 pictures: few channels, 4 pixels a code. */
        VQ_F4_CH16(
                VqConfig.builder().ch(16).chMult(List.of(1, 2, 2)).numResBlocks(1).zChannels(32).nEmbed(1024)
                        .normGroups(8).build(),
                64, 16);

        private static final int DISCRIMINATOR_WIDTH = 64;

        private final VqConfig config;
        private final int side;
        private final int batch;

        Preset(VqConfig config, int side, int batch) {
            this.config = config;
            this.side = side;
            this.batch = batch;
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }

        /** Names of all. */
        public static List<String> names() {
            return Arrays.stream(values()).map(Preset::toString).toList();
        }

        /**
         * The one of this name.
         *
         * @throws IllegalArgumentException if there is none
         */
        public static Preset of(String name) {
            return Arrays.stream(values())
                    .filter(p -> p.toString().equals(name))
                    .findFirst()
                    .orElseThrow(() -> new IllegalArgumentException("preset: " + name + " (expected one of "
                            + names().stream().collect(Collectors.joining(", ")) + ")"));
        }

        /** Pictures of a step where nothing else is asked for. */
        public int batch() {
            return batch;
        }

        /** This tokenizer with these losses. */
        public StageOne with(Losses losses) {
            return new StageOne(toString(), config, side, losses, DISCRIMINATOR_WIDTH);
        }
    }

    /**
     * What was measured.
     *
     * @param seconds of a step
     * @param flops of a step: matrix products, convolutions (directly, {@code 2 k^2 in out} a pixel) and the search of
     *     the codebook, forward and backward, a multiply-add as two; nothing elementwise
     * @param tensorBytes the most that tensors took at a time: weights, moments, averages, activations, gradients; not
     *     what kernels keep for themselves
     * @param parameters that the step moved
     */
    record Steps(Spread seconds, double flops, long tensorBytes, long parameters) {}

    /**
     * Trains for {@code seconds} after {@code warmUp}, but at least some steps.
     *
     * @param batch pictures of a step
     * @throws IllegalArgumentException if the losses do not take pictures of this size
     */
    Steps measure(Backend backend, int batch, double warmUp, double seconds) {
        CountedBackend counted = new CountedBackend(backend);
        VqModel model = new VqModel(Params.random(counted.backend(), 0), config);
        VqOptions options = options(counted.backend(), batch);
        PictureSource pictures = pictures(batch);
        double[] flops = new double[2]; // before the latest step, and of it
        Spread spread = TimedSteps.of(
                warmUp, seconds, listener -> new VqTrainer(model, pictures, null, options, RunOptions.NONE, listener),
                () -> {
                    flops[1] = counted.flops() - flops[0];
                    flops[0] = counted.flops();
                });
        return new Steps(spread, flops[1], counted.peakBytes(), model.params().count() + judge());
    }

    private VqOptions options(Backend backend, int batch) {
        TrainRecipe recipe = new TrainRecipe(
                batch, 1, 0, AdamWOptions.of(LEARNING_RATE),
                new LrSchedule(LrSchedule.Kind.CONSTANT, 0, Integer.MAX_VALUE), EMA_DECAY);
        VqOptions.Builder options = VqOptions.builder(recipe).reviveAfter(0); // random codes would be moved at random
        PerceptualDistance distance = distance(backend);
        if (distance != null) {
            options.perceptual(new PerceptualTerm(distance, 1, 0));
        }
        if (losses.adversarial()) {
            AdversarialOptions of = AdversarialOptions.of(LEARNING_RATE);
            options.adversarial(new AdversarialOptions(
                    of.loss(), of.weight(), 0, 0, losses != Losses.ADVERSARIAL, discriminatorWidth, of.layers(),
                    of.optimizer(), 0, of.augment(), 0));
        }
        return options.build();
    }

    private PerceptualDistance distance(Backend backend) {
        return switch (losses) {
            case RANDOM -> Lpips.random(backend, QUARTER, 0);
            case LPIPS, ALL -> Lpips.random(backend, Vgg16.WIDTH, 0);
            case FEATURES -> {
                ClassifierConfig sizes = new ClassifierConfig(
                        config.inChannels(), side, CLASSES, CLASSIFIER_WIDTH, 1); // of it the convolutions are used
                yield ClassifierLevels.distance(
                        new ClassifierFolder(new Classifier(Params.random(backend, 0), sizes), classes(), Recipe.NONE));
            }
            default -> null;
        };
    }

    /** Parameters of the discriminator. */
    private long judge() {
        if (!losses.adversarial()) {
            return 0;
        }
        PatchDiscriminator.Config sizes = new PatchDiscriminator.Config(
                config.inChannels(), discriminatorWidth, AdversarialOptions.of(LEARNING_RATE).layers());
        return new PatchDiscriminator(Params.shapesOnly(), sizes).params().count();
    }

    private static List<String> classes() {
        return IntStream.range(0, CLASSES).mapToObj(Integer::toString).toList();
    }

    private PictureSource pictures(int count) {
        SplittableRandom random = new SplittableRandom(0);
        float[] pixels = new float[count * config.inChannels() * side * side];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = (float) random.nextDouble(-1, 1);
        }
        int[] labels = IntStream.range(0, count).map(i -> i % CLASSES).toArray();
        return new ArrayPictures(config.inChannels(), side, side, classes(), labels, pixels);
    }
}
