package org.aimjvm.verify;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.io.TensorSource;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.PositionRule;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.op.softmax.CrossEntropyOp;
import org.aimjvm.optim.AdamW;
import org.aimjvm.optim.AdamWOptions;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;

/**
 * Golden data of a few optimiser steps on one batch: files {@code adamw_VARIANT_stepN.safetensors} with the
 * parameters after
 * N steps, arrays {@code adamw_losses} (of the variant with decay) and {@code adamw_VARIANT_losses}. A variant is
 * {@code
 * decay} or {@code nodecay}, with {@code _clipC} for clipping; learning rate, betas and decay are in the meanings.
 */
final class TrainingGolden {
    private static final Pattern FILE =
            Pattern.compile("adamw_((?:no)?decay(?:_clip([0-9.]+))?)_step(\\d+)\\.safetensors");
    /** Limit on most elements; those with a gradient near zero may differ by a whole step in either direction. */
    private static final double CLOSE = 1e-5;
    /** Share of all elements that need not be close. */
    private static final double FAR_SHARE = 0.005;
    /** Share of the elements of one tensor that need not be close: a tensor that is not updated at all must show. */
    private static final double FAR_SHARE_OF_TENSOR = 0.5;

    /** One run: the files with its parameters by number of steps. */
    private record Run(String variant, double clip, Map<Integer, String> files) {}

    private TrainingGolden() {}

    static void check(GoldenCase c, GoldenChecks checks, Backend backend) {
        Map<String, Run> runs = new LinkedHashMap<>();
        for (String file : c.files().keySet()) {
            Matcher m = FILE.matcher(file);
            if (m.matches()) {
                double clip = m.group(2) == null ? 0 : Double.parseDouble(m.group(2));
                runs.computeIfAbsent(m.group(1), v -> new Run(v, clip, new LinkedHashMap<>())).files
                        .put(Integer.parseInt(m.group(3)), file);
            }
        }
        if (runs.isEmpty()) {
            checks.skip("adamw_*", "the case has no such files");
        }
        runs.values().forEach(run -> run(c, checks, backend, run));
    }

    private static AdamWOptions options(GoldenCase c, Run run) {
        StringBuilder text = new StringBuilder();
        run.files.values().forEach(file -> text.append(c.files().get(file).meaning()).append(' '));
        c.files().forEach((name, f) -> text.append(FILE.matcher(name).matches() ? f.meaning() + ' ' : ""));
        String meaning = text.toString(); // what this variant does not say, another does
        boolean decays = run.variant.startsWith("decay");
        return new AdamWOptions(
                GoldenCase.find(meaning, "lr ([0-9.]+(?:e-?\\d+)?)", 1e-3),
                GoldenCase.find(meaning, "betas \\(([0-9.]+)", 0.9),
                GoldenCase.find(meaning, "betas \\([0-9.]+, *([0-9.]+)", 0.95),
                GoldenCase.find(meaning, "eps ([0-9.]+(?:e-?\\d+)?)", 1e-8),
                decays ? GoldenCase.find(meaning, "weight decay ([0-9.]+)", 0.05) : 0,
                decays ? AdamWOptions.DecayRule.BY_DIMENSION : AdamWOptions.DecayRule.NONE,
                run.clip);
    }

    private static void run(GoldenCase c, GoldenChecks checks, Backend backend, Run run) {
        AdamWOptions options = options(c, run);
        AimModel model = ModelGolden.load(c, checks, backend, PositionRule.PUBLISHED_TRAINING);
        AdamW optimizer = new AdamW(model.params().trainable(), options);
        String lossArray = run.variant.equals("decay") ? "adamw_losses" : "adamw_" + run.variant + "_losses";
        int steps = run.files.keySet().stream().mapToInt(Integer::intValue).max().orElse(0);
        if (c.has(lossArray)) {
            steps = Math.max(steps, c.shape(lossArray).size());
        }
        List<Float> losses = new ArrayList<>();
        for (int step = 1; step <= steps; step++) {
            losses.add(step(c, model, optimizer, options.lr()));
            if (run.files.containsKey(step)) {
                parameters(c, checks, run.files.get(step), model.params().trainable(), 2 * options.lr() * step);
            }
        }
        int count = c.has(lossArray) ? c.shape(lossArray).size() : steps;
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = losses.get(i);
        }
        checks.floats(lossArray, lossArray, Shape.of(count), values);
    }

    private static float step(GoldenCase c, AimModel model, AdamW optimizer, double lr) {
        try (Scope _ = Scope.training()) {
            Tensor tokens = c.intTensor(model.backend(), "tokens");
            Tensor labels = c.intTensor(model.backend(), "labels");
            Tensor logits = model.forward(model.condition(labels), ModelGolden.inputs(tokens), null);
            Tensor loss = ReduceOp.mean(CrossEntropyOp.crossEntropy(logits, tokens));
            optimizer.step(loss.backward(), lr);
            return loss.item();
        }
    }

    /**
     * All elements within {@code limit}, all but {@value #FAR_SHARE} of them within {@value #CLOSE}, and at least
     * half of
     * those of each tensor.
     */
    private static void parameters(
            GoldenCase c, GoldenChecks checks, String file, Map<String, Tensor> parameters, double limit) {
        checks.input(file);
        long far = 0;
        long all = 0;
        try (TensorSource expected = c.open(file)) {
            for (String name : expected.names()) {
                Tensor p = parameters.get(name);
                if (p == null || !p.shape().equals(expected.info(name).shape())) {
                    checks.settle(file + " " + name, Double.POSITIVE_INFINITY, "the model has no such parameter");
                    continue;
                }
                int farHere = parameter(checks, file + " " + name, p.toFloats(), expected.readFloats(name), limit);
                far += farHere;
                all += p.size();
            }
            for (String name : parameters.keySet()) {
                if (!expected.contains(name)) {
                    checks.skip(file + " " + name, "the file has no such tensor");
                }
            }
        }
        double ratio = far / (FAR_SHARE * Math.max(1, all));
        checks.settle(
                file, ratio, ratio <= 1 ? null : far + " of " + all + " elements differ by more than " + CLOSE);
    }

    private static int parameter(GoldenChecks checks, String label, float[] got, float[] expected, double limit) {
        double max = 0;
        int far = 0;
        for (int i = 0; i < got.length; i++) {
            double d = Math.abs((double) got[i] - expected[i]);
            max = Double.isNaN(d) ? Double.POSITIVE_INFINITY : Math.max(max, d);
            far += d <= CLOSE ? 0 : 1;
        }
        double ratio = Math.max(max / limit, far / (FAR_SHARE_OF_TENSOR * got.length));
        checks.settle(
                label, ratio,
                ratio <= 1
                        ? null
                        : String.format(
                                Locale.ROOT,
                                "differs by up to %.3g (expected at most %.3g), %d of %d elements by more than %g", max,
                                limit, far, got.length, CLOSE));
        return far;
    }
}
