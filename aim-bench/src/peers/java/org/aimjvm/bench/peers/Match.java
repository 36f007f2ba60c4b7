package org.aimjvm.bench.peers;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.aimjvm.measure.LimitMeter;
import org.aimjvm.measure.MachineLimits;
import org.aimjvm.measure.Spread;

/**
 * The same workload by several contenders, in turns: each gets a stretch of its own, after a pause in which the threads
 * of the one before go to sleep. The first is ours. Results must agree.
 */
final class Match {
    private static final int ROUNDS = 5;
    private static final int LIMIT_ROUNDS = 3;
    private static final long PAUSE_MILLIS = 150;

    private final LimitMeter meter;
    private final double stretch;
    private final StringBuilder csv;

    /** @param stretch seconds of a contender's turn, at least one call */
    Match(LimitMeter meter, double stretch, StringBuilder csv) {
        this.meter = meter;
        this.stretch = stretch;
        this.csv = csv;
    }

    /**
     * Runs and prints.
     *
     * @param flops operations of the work, a multiply-add counting as two
     * @param tolerance largest difference of two results, as a share of the largest value
     */
    void play(String work, double flops, double tolerance, List<Contender> contenders) {
        List<List<Double>> times = new ArrayList<>();
        for (Contender c : contenders) {
            pause();
            long start = System.nanoTime();
            do {
                c.run();
            } while (System.nanoTime() - start < 2e9 * stretch);
            times.add(new ArrayList<>());
        }
        agree(work, tolerance, contenders);
        LimitMeter.Rounds limits = meter.rounds();
        for (int round = 0; round < ROUNDS; round++) {
            pause();
            limits.take(LIMIT_ROUNDS);
            for (int i = 0; i < contenders.size(); i++) {
                pause();
                contenders.get(i).run(); // wakes its threads up
                long start = System.nanoTime();
                do {
                    long before = System.nanoTime();
                    contenders.get(i).run();
                    times.get(i).add(1e-9 * (System.nanoTime() - before));
                } while (System.nanoTime() - start < 1e9 * stretch);
            }
        }
        report(work, flops, contenders, times, limits.limits());
        contenders.forEach(Contender::close);
    }

    private void report(
            String work, double flops, List<Contender> contenders, List<List<Double>> times, MachineLimits limits) {
        double ours = spread(times.getFirst()).median();
        for (int i = 0; i < contenders.size(); i++) {
            Spread s = spread(times.get(i));
            double peak = limits.multiplyAdd().median();
            System.out.printf(
                    Locale.ROOT, "%-28s %-14s %10.3f  %-22s %8.1f %6.0f%% %8.2f%n", work, contenders.get(i).name(),
                    1e3 * s.median(),
                    String.format(Locale.ROOT, "%.3f to %.3f, %.3f", 1e3 * s.low(), 1e3 * s.high(), 1e3 * s.least()),
                    1e-9 * flops / s.median(), 100 * flops / s.median() / peak, s.median() / ours);
            csv.append(String.format(
                    Locale.ROOT, "%s,%s,%d,%.6g,%.6g,%.6g,%.6g,%d,%.6g,%.4f,%.4f%n", work, contenders.get(i).name(),
                    limits.threads(), s.median(), s.low(), s.high(), s.least(), s.count(), flops,
                    flops / s.median() / peak, s.median() / ours));
        }
    }

    /** Heads of the columns. */
    static void head(StringBuilder csv) {
        System.out.printf(Locale.ROOT, "%-28s %-14s %10s  %-22s %8s %7s %8s%n", "work", "who", "ms", "10 % to 90 %, best", "GFLOP/s",
                "share", "by ours");
        csv.append("work,who,threads,seconds,p10,p90,least,count,flops,share_of_peak,times_ours\n");
    }

    private static void agree(String work, double tolerance, List<Contender> contenders) {
        float[] ours = contenders.getFirst().result();
        for (Contender c : contenders.subList(1, contenders.size())) {
            float[] theirs = c.result();
            double worst = 0;
            double greatest = 0;
            for (int i = 0; i < ours.length; i++) {
                worst = Math.max(worst, Math.abs(ours[i] - theirs[i]));
                greatest = Math.max(greatest, Math.abs(ours[i]));
            }
            if (theirs.length != ours.length || !(worst <= tolerance * greatest)) {
                throw new IllegalStateException(work + ": " + c.name() + " differs by " + worst + " of " + greatest
                        + ", expected at most a share of " + tolerance + " (is it the same work?)");
            }
        }
    }

    private static Spread spread(List<Double> values) {
        return Spread.of(values.stream().mapToDouble(Double::doubleValue).toArray());
    }

    private static void pause() {
        try {
            Thread.sleep(PAUSE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }
}
