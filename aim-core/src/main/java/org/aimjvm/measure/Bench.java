package org.aimjvm.measure;

import java.nio.file.Path;
import java.util.function.Supplier;
import org.aimjvm.backend.Backend;
import org.aimjvm.vq.VqModel;

/** Makes {@link Measurement}s: each between two looks at the machine's limits. */
public final class Bench {
    private static final int LIMIT_ROUNDS = 5;

    private final LimitMeter meter;
    private final double seconds;
    private final double warmUp;

    /**
     * @param meter warm
     * @param seconds spent on each measurement, at least; half as much goes into warming it up
     */
    public Bench(LimitMeter meter, double seconds) {
        this.meter = meter;
        this.seconds = seconds;
        this.warmUp = seconds / 2;
    }

    private record Timed<T>(T result, MachineLimits limits) {}

    private <T> Timed<T> timed(Supplier<T> work) {
        LimitMeter.Rounds rounds = meter.rounds().take(LIMIT_ROUNDS);
        T result = work.get();
        return new Timed<>(result, rounds.take(LIMIT_ROUNDS).limits());
    }

    /** Codes one after another, for {@code batch} pictures side by side. */
    public Measurement decode(MeasuredLm lm, int batch, boolean guided) {
        DecodeMeter decoding = new DecodeMeter(lm, batch, guided);
        decoding.measure(warmUp);
        Timed<DecodeTimes> t = timed(() -> decoding.measure(seconds));
        int sequences = guided ? 2 * batch : batch;
        double position = (t.result.tokens() + 1) / 2.0; // attention alone depends on it
        return new Measurement(
                Measurement.Subject.of("lm-decode", lm, batch, guided), t.result.step(),
                new Measurement.StepCost(batch, lm.cost().bytes(sequences, position),
                        lm.cost().flops(sequences, position)),
                t.result.secondsOfAll() / batch, t.result.isExtrapolated(), t.limits, 0);
    }

    /** All codes of {@code batch} pictures in one pass. */
    public Measurement prefill(MeasuredLm lm, int batch) {
        Timed<Spread> t = timed(() -> RepeatedPasses.prefill(lm, batch, warmUp, seconds));
        int tokens = lm.config().numTokens();
        return Measurement.ofPictures(
                Measurement.Subject.of("lm-prefill", lm, batch, false), t.result,
                new Measurement.StepCost(
                        batch * tokens, lm.cost().weightBytes(), tokens * lm.cost().flops(batch, (tokens + 1) / 2.0)),
                t.limits);
    }

    /** Forward, backward and AdamW on {@code batch} whole sequences: three times the operations of forward. */
    public Measurement trainStep(MeasuredLm lm, int batch, Path scratch) {
        Timed<Spread> t = timed(() -> RepeatedPasses.train(lm, batch, scratch, warmUp, seconds));
        int tokens = lm.config().numTokens();
        // weights: read forward and backward; gradients: written and read; AdamW: three arrays read and written
        double bytes = 10.0 * 4 * lm.model().params().count();
        return Measurement.ofPictures(
                Measurement.Subject.of("train-step", lm, batch, false), t.result,
                new Measurement.StepCost(
                        batch * tokens, bytes, 3 * tokens * lm.cost().flops(batch, (tokens + 1) / 2.0)),
                t.limits);
    }

    /**
     * Whole steps of stage 1 on {@code batch} pictures, every network of the losses included.
     *
     * @throws IllegalArgumentException if the losses do not take pictures of this size
     */
    public Measurement vqTrainStep(Backend backend, StageOne stage, int batch) {
        Timed<StageOne.Steps> t = timed(() -> stage.measure(backend, batch, warmUp, seconds));
        int side = stage.side() / stage.config().downsampling();
        // as of trainStep, and averages read and written
        double bytes = 12.0 * 4 * t.result.parameters();
        return Measurement.ofPictures(
                Measurement.Subject.of(stage, batch), t.result.seconds(),
                new Measurement.StepCost(batch * side * side, bytes, t.result.flops()), t.limits)
                .withTensorBytes(t.result.tensorBytes());
    }

    /** Labels to pixels, all of it: codes, tokenizer, transfer to the host. */
    public Measurement generate(MeasuredLm lm, VqModel tokenizer, int batch, boolean guided) {
        int tokens = lm.config().numTokens();
        int sequences = guided ? 2 * batch : batch;
        VqCost pixels = VqCost.of(tokenizer.config(), (int) Math.round(Math.sqrt(tokens)));
        Timed<Spread> t = timed(() -> RepeatedPasses.generate(lm, tokenizer, batch, guided, warmUp, seconds));
        double position = (tokens + 1) / 2.0;
        return Measurement.ofPictures(
                Measurement.Subject.of("generate", lm, batch, guided), t.result,
                new Measurement.StepCost(
                        batch * tokens,
                        tokens * lm.cost().bytes(sequences, position) + batch * pixels.decoderBytes(),
                        tokens * lm.cost().flops(sequences, position) + batch * pixels.decode()),
                t.limits);
    }

    /** Codes to pixels, {@code batch} pictures of {@code side} by {@code side} codes. */
    public Measurement vqDecode(VqModel model, String name, int side, int batch) {
        VqCost cost = VqCost.of(model.config(), side);
        Timed<Spread> t = timed(() -> RepeatedPasses.decode(model, side, batch, warmUp, seconds));
        return Measurement.ofPictures(
                Measurement.Subject.tokenizer("vq-decode", name, batch), t.result,
                new Measurement.StepCost(batch * side * side, batch * cost.decoderBytes(), batch * cost.decode()),
                t.limits);
    }

    /** Pixels to codes, {@code batch} pictures of {@code side} by {@code side} codes. */
    public Measurement vqEncode(VqModel model, String name, int side, int batch) {
        VqCost cost = VqCost.of(model.config(), side);
        int pixels = side * model.config().downsampling();
        Timed<Spread> t = timed(() -> RepeatedPasses.encode(model, pixels, batch, warmUp, seconds));
        return Measurement.ofPictures(
                Measurement.Subject.tokenizer("vq-encode", name, batch), t.result,
                new Measurement.StepCost(batch * side * side, batch * cost.encoderBytes(), batch * cost.encode()),
                t.limits);
    }
}
