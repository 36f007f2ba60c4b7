package org.aimjvm.measure;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.data.TokenDataset;
import org.aimjvm.data.TokenDatasetInfo;
import org.aimjvm.data.TokenDatasetWriter;
import org.aimjvm.model.Conditioning;
import org.aimjvm.model.DecodeState;
import org.aimjvm.optim.AdamWOptions;
import org.aimjvm.optim.LrSchedule;
import org.aimjvm.sample.GenerationListener;
import org.aimjvm.sample.GenerationRequest;
import org.aimjvm.sample.Generator;
import org.aimjvm.sample.Guidance;
import org.aimjvm.sample.SamplingOptions;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.train.LmOptions;
import org.aimjvm.train.LmTrainer;
import org.aimjvm.train.RunOptions;
import org.aimjvm.train.TrainRecipe;
import org.aimjvm.vq.VqModel;

/**
 * What is repeated as a whole to be timed: prefill, tokenizer, training step. Each returns the seconds of its
 * repetitions.
 */
public final class RepeatedPasses {
    private static final int LEAST = TimedSteps.LEAST;
    private static final double LEARNING_RATE = 1e-4;
    private static final double LABEL_DROPOUT = 0.1;

    private RepeatedPasses() {}

    /** {@code batch} whole sequences at once, from their start, into a state that decoding could go on from. */
    public static Spread prefill(MeasuredLm subject, int batch, double warmUp, double seconds) {
        Backend backend = subject.model().backend();
        int tokens = subject.config().numTokens();
        DecodeState state = subject.model().newState(batch);
        try (Scope _ = Scope.inference()) {
            Conditioning condition = subject.model().condition(
                    Tensor.ofInts(backend, Shape.of(batch),
                            IntStream.range(0, batch).map(i -> i % subject.config().numClasses()).toArray()));
            Tensor codes = Tensor.ofInts(backend, Shape.of(batch, tokens), subject.codes(batch * tokens));
            return repeat(backend, warmUp, seconds, () -> {
                state.reset();
                subject.model().forward(condition, codes, state);
            });
        }
    }

    /** {@code batch} pictures, pixels to codes. */
    public static Spread encode(VqModel model, int pixels, int batch, double warmUp, double seconds) {
        Backend backend = model.backend();
        try (Scope _ = Scope.inference()) {
            Tensor x = Tensor.full(backend, Shape.of(batch, model.config().inChannels(), pixels, pixels), 0.25f);
            return repeat(backend, warmUp, seconds, () -> model.encode(x));
        }
    }

    /** {@code batch} pictures, codes to pixels. */
    public static Spread decode(VqModel model, int side, int batch, double warmUp, double seconds) {
        try (Scope _ = Scope.inference()) {
            Tensor codes = Tensor.ofInts(
                    model.backend(), Shape.of(batch * side * side),
                    IntStream.range(0, batch * side * side).map(i -> i * 31 % model.config().nEmbed()).toArray());
            return repeat(model.backend(), warmUp, seconds, () -> model.decode(codes, batch, side, side));
        }
    }

    /** {@code batch} pictures from labels to pixels in host memory. */
    public static Spread generate(
            MeasuredLm subject, VqModel tokenizer, int batch, boolean guided, double warmUp, double seconds) {
        Generator generator = new Generator(subject.model(), tokenizer);
        List<GenerationRequest.Job> jobs = IntStream.range(0, batch)
                .mapToObj(i -> new GenerationRequest.Job(i % subject.config().numClasses(), i))
                .toList();
        GenerationRequest request = new GenerationRequest(
                jobs, guided ? Guidance.constant(DecodeMeter.GUIDANCE) : Guidance.NONE, SamplingOptions.PLAIN,
                List.of(),
                batch);
        return repeat(
                tokenizer.backend(), warmUp, seconds,
                () -> generator.generateEach(request, GenerationListener.NONE, p -> {
                    // made, and not kept
                }));
    }

    /** Steps of {@code batch} pictures: forward, backward, AdamW. Changes the subject's weights. */
    public static Spread train(MeasuredLm subject, int batch, Path scratch, double warmUp, double seconds) {
        writeCodes(subject, batch, scratch);
        try (TokenDataset data = TokenDataset.open(scratch)) {
            TrainRecipe recipe = new TrainRecipe(
                    batch, 1, 0, AdamWOptions.of(LEARNING_RATE),
                    new LrSchedule(LrSchedule.Kind.CONSTANT, 0, Integer.MAX_VALUE), 0);
            LmOptions options = new LmOptions(recipe, LABEL_DROPOUT, 0, false);
            return TimedSteps.of(
                    warmUp, seconds,
                    listener -> new LmTrainer(subject.model(), data, null, options, RunOptions.NONE, listener), () -> {
                        // nothing else is counted
                    });
        }
    }

    private static void writeCodes(MeasuredLm subject, int count, Path folder) {
        int tokens = subject.config().numTokens();
        int side = (int) Math.round(Math.sqrt(tokens));
        TokenDatasetInfo info = new TokenDatasetInfo(
                side, tokens / side, subject.config().vocabSize(),
                IntStream.range(0, subject.config().numClasses()).mapToObj(Integer::toString).toList(), "random",
                "none");
        int[] codes = subject.codes(count * tokens);
        try (TokenDatasetWriter writer =
                new TokenDatasetWriter(folder, info, count, TokenDatasetWriter.DEFAULT_CODES_PER_FILE)) {
            for (int i = 0; i < count; i++) {
                writer.add(codes, i * tokens, i % subject.config().numClasses());
            }
            writer.finish();
        }
    }

    private static Spread repeat(Backend backend, double warmUp, double seconds, Runnable body) {
        long start = System.nanoTime();
        do {
            scoped(backend, body);
        } while (System.nanoTime() - start < 1e9 * warmUp);
        List<Double> times = new ArrayList<>();
        long measuring = System.nanoTime();
        while (times.size() < LEAST || System.nanoTime() - measuring < 1e9 * seconds) {
            times.add(scoped(backend, body));
        }
        return Spread.of(times.stream().mapToDouble(Double::doubleValue).toArray());
    }

    private static double scoped(Backend backend, Runnable body) {
        long start = System.nanoTime();
        try (Scope _ = Scope.inference()) {
            body.run();
            backend.synchronize();
        }
        return 1e-9 * (System.nanoTime() - start);
    }
}
