package org.aimjvm.measure;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.stream.IntStream;
import org.aimjvm.sample.GenerationListener;
import org.aimjvm.sample.GenerationRequest;
import org.aimjvm.sample.Guidance;
import org.aimjvm.sample.SamplingOptions;

/** Draws codes with the generator that makes users' pictures, watches, and stops it when time is up. */
public final class DecodeMeter {
    static final float GUIDANCE = 4;
    private static final int LEAST_STEPS = 16;

    private final MeasuredLm subject;
    private final int batch;
    private final boolean guided;

    /**
     * @param batch pictures side by side
     * @param guided two sequences per picture instead of one
     */
    public DecodeMeter(MeasuredLm subject, int batch, boolean guided) {
        this.subject = subject;
        this.batch = batch;
        this.guided = guided;
    }

    /**
     * Draws for {@code seconds}, but at least a few codes; and all codes of a picture, however long that takes, if the
     * time of a step is seen to depend on the position.
     */
    public DecodeTimes measure(double seconds) {
        DecodeTimes times = draw(seconds);
        if (times.isExtrapolated() && !times.isFlat()) {
            draw(times, Long.MAX_VALUE);
        }
        return times;
    }

    /** Draws for {@code seconds}, but at least a few codes. */
    DecodeTimes draw(double seconds) {
        DecodeTimes times = none();
        long deadline = System.nanoTime() + (long) (1e9 * seconds);
        do {
            draw(times, deadline);
        } while (System.nanoTime() < deadline);
        return times;
    }

    /** Draws all codes of one batch. */
    DecodeTimes drawAll() {
        DecodeTimes times = none();
        draw(times, Long.MAX_VALUE);
        return times;
    }

    private DecodeTimes none() {
        return new DecodeTimes(
                subject.config().numTokens(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>(),
                new ArrayList<>());
    }

    private void draw(DecodeTimes into, long deadline) {
        List<GenerationRequest.Job> jobs = IntStream.range(0, batch)
                .mapToObj(i -> new GenerationRequest.Job(i % subject.config().numClasses(), i))
                .toList();
        Watch watch = new Watch(into, deadline);
        try {
            subject.generator()
                    .generateEach(
                            new GenerationRequest(
                                    jobs, guided ? Guidance.constant(GUIDANCE) : Guidance.NONE, SamplingOptions.PLAIN,
                                    List.of(), batch),
                            watch, p -> {
                                throw new IllegalStateException("a picture was decoded that nobody asked for");
                            });
        } catch (CancellationException e) {
            watch.ended();
        }
    }

    /** Ends the generation at the deadline, or when all codes are drawn and pixels would be next. */
    private final class Watch implements GenerationListener {
        private final DecodeTimes times;
        private final long deadline;
        private final long start = System.nanoTime();
        private long last = start;
        private int drawn;

        Watch(DecodeTimes times, long deadline) {
            this.times = times;
            this.deadline = deadline;
        }

        @Override
        public void onToken(int picture, int position, int token) {
            int together = Math.min(subject.generator().tokensPerReport(), times.tokens());
            if (picture != batch - 1 || (position + 1) % together != 0 && position + 1 != times.tokens()) {
                return;
            }
            long now = System.nanoTime();
            double seconds = 1e-9 * (now - last) / (position + 1 - drawn);
            if (drawn == 0) {
                times.first().add(seconds);
            } else {
                times.steps().add(seconds);
                times.positions().add(position);
            }
            last = now;
            drawn = position + 1;
        }

        @Override
        public boolean isCancelled() {
            return drawn == times.tokens() || drawn > LEAST_STEPS && System.nanoTime() >= deadline;
        }

        void ended() {
            if (drawn == times.tokens()) {
                times.whole().add(1e-9 * (last - start));
            }
        }
    }
}
