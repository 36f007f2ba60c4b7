package org.aimjvm.measure;

import java.nio.file.Path;
import java.util.function.Supplier;
import org.aimjvm.vq.VqModel;

/** Makes {@link Measurement}s: each work between two looks at the machine's limits. */
public final class Bench {
    private static final int LIMIT_ROUNDS = 5;

    private final LimitMeter meter;
    private final double seconds;
    private final double warmUp;

    /**
     * @param meter warm
     * @param seconds spent on measuring each work, at least; half as much goes into warming it up
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
    public Measurement decode(LmSubject subject, int batch, boolean guided) {
        DecodeMeter decoding = new DecodeMeter(subject, batch, guided);
        decoding.measure(warmUp);
        Timed<DecodeTimes> t = timed(() -> decoding.measure(seconds));
        int sequences = guided ? 2 * batch : batch;
        double position = (t.result.tokens() + 1) / 2.0; // attention alone depends on it
        return new Measurement(
                "lm-decode", subject.name(), subject.weights().toString(), subject.states().toString(), batch, guided,
                t.result.step(),
                t.result.secondsOfAll() / batch, t.result.isExtrapolated(), batch,
                subject.cost().bytes(sequences, position), subject.cost().flops(sequences, position), t.limits);
    }

    /** All codes of {@code batch} pictures in one pass. */
    public Measurement prefill(LmSubject subject, int batch) {
        Timed<Spread> t = timed(() -> Passes.prefill(subject, batch, warmUp, seconds));
        int tokens = subject.config().numTokens();
        return new Measurement(
                "lm-prefill", subject.name(), subject.weights().toString(), subject.states().toString(), batch, false,
                t.result,
                t.result.median() / batch,
                false, batch * tokens, subject.cost().weightBytes(),
                tokens * subject.cost().flops(batch, (tokens + 1) / 2.0), t.limits);
    }

    /** Forward, backward and AdamW on {@code batch} whole sequences: three times the operations of forward. */
    public Measurement trainStep(LmSubject subject, int batch, Path scratch) {
        Timed<Spread> t = timed(() -> Passes.train(subject, batch, scratch, warmUp, seconds));
        int tokens = subject.config().numTokens();
        // weights: read forward and backward; gradients: written and read; AdamW: three arrays read and written
        double bytes = 10.0 * 4 * subject.model().params().count();
        return new Measurement(
                "train-step", subject.name(), subject.weights().toString(), subject.states().toString(), batch, false,
                t.result,
                t.result.median() / batch,
                false, batch * tokens, bytes, 3 * tokens * subject.cost().flops(batch, (tokens + 1) / 2.0), t.limits);
    }

    /** Labels to pixels, all of it: codes, tokenizer, transfer to the host. */
    public Measurement generate(LmSubject subject, VqModel tokenizer, int batch, boolean guided) {
        int tokens = subject.config().numTokens();
        int sequences = guided ? 2 * batch : batch;
        VqCost pixels = VqCost.of(tokenizer.config(), (int) Math.round(Math.sqrt(tokens)));
        Timed<Spread> t = timed(() -> Passes.generate(subject, tokenizer, batch, guided, warmUp, seconds));
        double position = (tokens + 1) / 2.0;
        return new Measurement(
                "generate", subject.name(), subject.weights().toString(), subject.states().toString(), batch, guided,
                t.result,
                t.result.median() / batch, false, batch * tokens,
                tokens * subject.cost().bytes(sequences, position) + batch * pixels.decoderBytes(),
                tokens * subject.cost().flops(sequences, position) + batch * pixels.decode(), t.limits);
    }

    /** Codes to pixels, {@code batch} pictures of {@code side} by {@code side} codes. */
    public Measurement vqDecode(VqModel model, String name, int side, int batch) {
        VqCost cost = VqCost.of(model.config(), side);
        Timed<Spread> t = timed(() -> Passes.decode(model, side, batch, warmUp, seconds));
        return new Measurement(
                "vq-decode", name, "f32", "f32", batch, false, t.result, t.result.median() / batch, false,
                batch * side * side,
                batch * cost.decoderBytes(), batch * cost.decode(), t.limits);
    }

    /** Pixels to codes, {@code batch} pictures of {@code side} by {@code side} codes. */
    public Measurement vqEncode(VqModel model, String name, int side, int batch) {
        VqCost cost = VqCost.of(model.config(), side);
        int pixels = side * model.config().downsampling();
        Timed<Spread> t = timed(() -> Passes.encode(model, pixels, batch, warmUp, seconds));
        return new Measurement(
                "vq-encode", name, "f32", "f32", batch, false, t.result, t.result.median() / batch, false,
                batch * side * side,
                batch * cost.encoderBytes(), batch * cost.encode(), t.limits);
    }
}
