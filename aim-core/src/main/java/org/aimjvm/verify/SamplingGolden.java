package org.aimjvm.verify;

import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.sample.Sampler;
import org.aimjvm.sample.SamplingOptions;
import tools.jackson.databind.JsonNode;

/**
 * Golden data of filtered distributions: arrays {@code probs_*} with their settings, of {@code logits} or {@code
 * logits_ties}.
 */
final class SamplingGolden {
    private static final int DRAWS = 2000;

    private SamplingGolden() {}

    static void check(GoldenCase c, GoldenChecks checks, Backend backend) {
        for (String array : ModelGolden.startingWith(c, "probs_")) {
            String logits = array.contains("ties") ? "logits_ties" : "logits";
            if (!c.has(logits)) {
                checks.skip(array, "needs the array " + logits + ", which the case lacks");
                continue;
            }
            checks.input(logits);
            distribution(c, checks, array, logits);
        }
    }

    private static SamplingOptions options(GoldenCase.ArrayInfo info) {
        String name = info.name();
        return new SamplingOptions(
                (float) info.number("temperature", GoldenCase.find(name, "_T([0-9.]+)", 1)),
                (int) info.number("top_k", GoldenCase.find(name, "_k(\\d+)", 0)),
                (float) info.number("top_p", GoldenCase.find(name, "_p([0-9.]+(?:e-?\\d+)?)", 1)),
                0);
    }

    private static void distribution(GoldenCase c, GoldenChecks checks, String array, String logitsArray) {
        Shape shape = c.shape(logitsArray);
        int vocab = shape.dim(-1);
        float[] logits = c.floats(logitsArray);
        Sampler sampler = new Sampler(options(c.info(array)), vocab);
        float[] probabilities = new float[logits.length];
        double drawn = 0;
        for (int row = 0; row < shape.rows(); row++) {
            float[] p = sampler.distribution(logits, row * vocab);
            System.arraycopy(p, 0, probabilities, row * vocab, vocab);
            drawn = Math.max(drawn, drawError(sampler, logits, row * vocab, p));
        }
        checks.floats(array, array, shape, probabilities);
        kept(c, checks, array, probabilities, vocab);
        checks.settle(
                array + " drawn", drawn,
                drawn <= 1 ? null : "frequencies over evenly spaced random numbers differ from the probabilities");
    }

    /** Evenly spaced random numbers give every token its probability, to one draw at either end of its interval. */
    private static double drawError(Sampler sampler, float[] logits, int offset, float[] p) {
        int[] counts = new int[p.length];
        for (int i = 0; i < DRAWS; i++) {
            counts[sampler.sample(logits, offset, (i + 0.5) / DRAWS)]++;
        }
        double worst = 0;
        for (int i = 0; i < p.length; i++) {
            double error = Math.abs(counts[i] - (double) p[i] * DRAWS);
            worst = Math.max(worst, p[i] == 0 && counts[i] > 0 ? Double.POSITIVE_INFINITY : error / 1.01);
        }
        return worst;
    }

    /** Exactly the promised number of tokens is left. */
    private static void kept(GoldenCase c, GoldenChecks checks, String array, float[] probabilities, int vocab) {
        JsonNode expected = c.info(array).node().get("kept_per_row");
        if (expected == null || !expected.isArray()) {
            return;
        }
        for (int row = 0; row < expected.size(); row++) {
            int count = 0;
            for (int i = 0; i < vocab; i++) {
                count += probabilities[row * vocab + i] > 0 ? 1 : 0;
            }
            boolean right = count == expected.get(row).asInt(-1);
            checks.settle(
                    array + " kept", right ? 0 : Double.POSITIVE_INFINITY,
                    right ? null : "row " + row + " has " + count + " tokens, expected " + expected.get(row));
        }
    }
}
