package org.aimjvm.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.data.PictureSource;
import org.aimjvm.data.TokenDataset;
import org.aimjvm.data.TokenDatasetInfo;
import org.aimjvm.data.TokenDatasetWriter;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.PositionRule;
import org.aimjvm.nn.Params;
import org.aimjvm.optim.AdamWOptions;
import org.aimjvm.optim.LrSchedule;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;

/** Runs of both stages that take milliseconds. */
public final class TinyRuns {
    public static final Backend BACKEND = Backends.best();
    static final int CLASSES = 3;
    static final int VOCAB = 7;

    private TinyRuns() {}

    /** Remembers every loss and everything else it is told. */
    public static class Recorder implements TrainListener {
        final List<TrainMetrics> steps = new ArrayList<>();
        public final List<Map<String, Double>> validations = new ArrayList<>();
        final List<String> events = new ArrayList<>();
        Trainer stopAfter;
        int stopStep = -1;

        @Override
        public void onStart(int firstStep, int totalSteps, int stepsPerEpoch, int examplesPerStep) {
            events.add("start " + firstStep + " of " + totalSteps);
        }

        @Override
        public void onStep(TrainMetrics metrics) {
            steps.add(metrics);
            if (metrics.step() == stopStep) {
                stopAfter.stop();
            }
        }

        @Override
        public void onValidation(int step, Map<String, Double> measures) {
            validations.add(measures);
            events.add("validation " + step);
        }

        @Override
        public void onSample(int step) {
            events.add("sample " + step);
        }

        @Override
        public void onEpoch(int epoch) {
            events.add("epoch " + epoch);
        }

        @Override
        public void onCheckpoint(int step, Path folder) {
            events.add("checkpoint " + step);
        }

        List<Double> losses() {
            return steps.stream().map(TrainMetrics::loss).toList();
        }
    }

    /** Patterns that follow from the class with some noise, so that there is something to learn. */
    static TokenDataset codes(Path folder, int count, int seed) {
        SplittableRandom random = new SplittableRandom(seed);
        TokenDatasetInfo info = new TokenDatasetInfo(2, 3, VOCAB, List.of("a", "b", "c"), "source", "tokenizer");
        try (TokenDatasetWriter writer = new TokenDatasetWriter(folder, info, count, 40)) {
            int[] row = new int[info.length()];
            for (int i = 0; i < count; i++) {
                int label = random.nextInt(CLASSES);
                for (int j = 0; j < row.length; j++) {
                    row[j] = random.nextInt(10) == 0 ? random.nextInt(VOCAB) : (2 * label + j) % VOCAB;
                }
                writer.add(row, 0, label);
            }
            writer.finish();
        }
        return TokenDataset.open(folder);
    }

    public static TrainRecipe recipe(int steps, int batch, int accumulation, double lr) {
        return new TrainRecipe(
                batch, accumulation, 5, AdamWOptions.of(lr),
                new LrSchedule(LrSchedule.Kind.COSINE, Math.min(2, steps - 1), steps), 0.9);
    }

    static LmTrainer lm(TokenDataset codes, LmOptions options, RunOptions run, TrainListener listener) {
        return lm(BACKEND, codes, options, run, listener);
    }

    static LmTrainer lm(
            Backend backend, TokenDataset codes, LmOptions options, RunOptions run, TrainListener listener) {
        return new LmTrainer(lmModel(backend), codes, null, options, run, listener);
    }

    static AimModel lmModel(Backend backend) {
        AimConfig config = AimConfig.mamba2(64, 2, 0).withData(VOCAB, 6, CLASSES).toBuilder()
                .dropout(0.1f, 0.1f, 0)
                .build();
        return new AimModel(
                Params.random(backend, 3).sub(AimModel.NAME), config, PositionRule.SEQUENCE_INDEX);
    }

    /** Grey pictures of 8 x 8: a bright square at a place that depends on the class. */
    public static PictureSource squares(int count) {
        return new PictureSource() {
            @Override
            public int size() {
                return count;
            }

            @Override
            public int channels() {
                return 1;
            }

            @Override
            public int height() {
                return 8;
            }

            @Override
            public int width() {
                return 8;
            }

            @Override
            public List<String> classNames() {
                return List.of("left", "middle", "right");
            }

            @Override
            public int label(int index) {
                return index % CLASSES;
            }

            @Override
            public void read(int index, long draw, float[] chw, int offset) {
                SplittableRandom random = new SplittableRandom(index);
                int left = label(index) * 2;
                for (int i = 0; i < 64; i++) {
                    boolean inside = i % 8 >= left && i % 8 < left + 3 && i / 8 >= 2 && i / 8 < 6;
                    chw[offset + i] = (inside ? 0.8f : -0.9f) + 0.1f * (float) random.nextDouble();
                }
            }

            @Override
            public String fingerprint() {
                return "squares " + count;
            }
        };
    }

    static Params vqParams() {
        return Params.random(BACKEND, 4);
    }

    static VqModel vqModel(Params params) {
        return new VqModel(
                params.sub(VqModel.NAME), VqConfig.builder()
                        .ch(8)
                        .chMult(List.of(1, 2))
                        .numResBlocks(1)
                        .zChannels(8)
                        .nEmbed(16)
                        .embedDim(4)
                        .channels(1, 1)
                        .normGroups(4)
                        .entropyLossRatio(0.1f)
                        .build());
    }

    static VqTrainer vq(PictureSource pictures, VqOptions options, RunOptions run, TrainListener listener) {
        return vq(BACKEND, pictures, options, run, listener);
    }

    static VqTrainer vq(
            Backend backend, PictureSource pictures, VqOptions options, RunOptions run, TrainListener listener) {
        return new VqTrainer(vqModel(Params.random(backend, 4)), pictures, squares(10), options, run, listener);
    }
}
