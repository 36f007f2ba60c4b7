package org.aimjvm.verify;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.optim.AdamW;
import org.aimjvm.optim.AdamWOptions;
import org.aimjvm.tensor.Tensor;

/**
 * Golden data of optimiser steps with given gradients: {@code p0}, {@code g1..gn}, and for each variant (settings
 * in the
 * meaning) {@code VARIANT_pN}, {@code VARIANT_m}, {@code VARIANT_v}; clipping of {@code clip_g1, clip_g2, ...}.
 */
final class OptimizerGolden {
    private static final Pattern PARAMETER = Pattern.compile("(.+)_p(\\d+)");
    private static final Pattern CLIPPED = Pattern.compile("(clip_g\\d+)_out");
    private static final String NAME = "p";

    private OptimizerGolden() {}

    static void check(GoldenCase c, GoldenChecks checks, Backend backend) {
        Map<String, Integer> variants = new LinkedHashMap<>();
        for (String array : c.arrays().keySet()) {
            Matcher m = PARAMETER.matcher(array);
            if (m.matches()) {
                variants.merge(m.group(1), Integer.parseInt(m.group(2)), Math::max);
            }
        }
        if (!variants.isEmpty() && checks.requires("p0")) {
            checks.input("p0");
            variants.forEach((variant, steps) -> steps(c, checks, backend, variant, steps));
        }
        clipping(c, checks, backend);
    }

    private static void steps(GoldenCase c, GoldenChecks checks, Backend backend, String variant, int steps) {
        String meaning = c.info(variant + "_p" + steps).meaning();
        double lr = GoldenCase.find(meaning, "'lr': *([0-9.e-]+)", Double.NaN);
        double decay = GoldenCase.find(meaning, "'weight_decay': *([0-9.e-]+)", 0);
        boolean coupled = meaning.startsWith("adam ") && decay != 0;
        if (Double.isNaN(lr) || coupled || !meaning.startsWith("adam")) {
            for (String array : ModelGolden.startingWith(c, variant + "_")) {
                checks.skip(array, "AdamW cannot do the variant described as: " + meaning);
            }
            return;
        }
        AdamWOptions options = new AdamWOptions(
                lr,
                GoldenCase.find(meaning, "'betas': *\\(([0-9.e-]+)", 0.9),
                GoldenCase.find(meaning, "'betas': *\\([0-9.e-]+, *([0-9.e-]+)", 0.999),
                GoldenCase.find(meaning, "'eps': *([0-9.e-]+)", 1e-8),
                decay,
                AdamWOptions.DecayRule.ALL,
                0);
        Tensor p = c.parameter(backend, "p0");
        AdamW optimizer = new AdamW(Map.of(NAME, p), options);
        for (int step = 1; step <= steps; step++) {
            checks.input("g" + step);
            optimizer.step(Map.of(NAME, c.tensor(backend, "g" + step)), lr, 1);
            checks.array(variant + "_p" + step, p);
        }
        checks.array(variant + "_m", optimizer.firstMoment(NAME));
        checks.array(variant + "_v", optimizer.secondMoment(NAME));
    }

    /** With beta1 = 0 the first moment of a step is the clipped gradient. */
    private static void clipping(GoldenCase c, GoldenChecks checks, Backend backend) {
        Map<String, Tensor> parameters = new LinkedHashMap<>();
        Map<String, Tensor> gradients = new LinkedHashMap<>();
        double limit = Double.NaN;
        for (String array : new TreeSet<>(c.arrays().keySet())) {
            Matcher m = CLIPPED.matcher(array);
            if (m.matches() && c.has(m.group(1))) {
                String gradient = m.group(1);
                checks.input(gradient);
                gradients.put(gradient, c.tensor(backend, gradient));
                parameters.put(gradient,
                        Tensor.parameter(backend, c.shape(gradient), new float[c.shape(gradient).size()]));
                limit = GoldenCase.find(c.info(array).meaning(), "clipping to ([0-9.e-]+)",
                        Double.isNaN(limit) ? 1 : limit);
            }
        }
        if (gradients.isEmpty()) {
            checks.absent("clip_g*_out");
            return;
        }
        AdamWOptions options = new AdamWOptions(1, 0, 0, 1e-8, 0, AdamWOptions.DecayRule.NONE, limit);
        AdamW optimizer = new AdamW(parameters, options);
        double norm = optimizer.step(gradients, 1, 1);
        checks.floats("clip_total_norm", "clip_total_norm", Shape.of(1), new float[] {(float) norm});
        gradients.keySet().forEach(name -> checks.array(name + "_out", optimizer.firstMoment(name)));
    }
}
