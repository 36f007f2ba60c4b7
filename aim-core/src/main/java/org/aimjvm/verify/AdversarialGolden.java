package org.aimjvm.verify;

import static org.aimjvm.op.elementwise.ArithmeticOp.add;
import static org.aimjvm.op.elementwise.ArithmeticOp.affine;
import static org.aimjvm.op.elementwise.ArithmeticOp.scale;
import static org.aimjvm.op.elementwise.ArithmeticOp.sub;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.io.SafeTensors;
import org.aimjvm.io.TensorSource;
import org.aimjvm.nn.BatchStatistics;
import org.aimjvm.nn.Params;
import org.aimjvm.op.conv.Conv2dOp;
import org.aimjvm.op.elementwise.PointwiseOp;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.tensor.Gradients;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.AdversarialLoss;
import org.aimjvm.vq.PatchDiscriminator;

/** Golden data of the adversarial half of stage 1: losses of given logits, the discriminator, the whole objective. */
final class AdversarialGolden {
    private static final String WEIGHTS = "weights.safetensors";
    private static final Pattern COMBINED = Pattern.compile("(gen_loss|gen_grad)_(l1|l2)_step(\\d+)_(fixed|adaptive)");
    private static final Pattern DISCRIMINATOR = Pattern.compile("disc_loss_(l1|l2)_step(\\d+)_fixed");
    /** Where the description of the combined case states these, it does so in words. */
    private static final int DISC_START = 10;
    private static final float DISC_WEIGHT = 0.5f;
    private static final float LAST_LAYER_SCALE = 0.05f;

    private AdversarialGolden() {}

    /** Losses and gradients on given logits. */
    static void losses(GoldenCase c, GoldenChecks checks, Backend backend) {
        if (!checks.requires("logits_real", "logits_fake")) {
            return;
        }
        checks.input("logits_real", "logits_fake");
        try (Scope _ = Scope.training()) {
            for (String name : List.of("hinge", "vanilla", "non_saturating")) {
                Tensor real = c.parameter(backend, "logits_real");
                Tensor fake = c.parameter(backend, "logits_fake");
                Tensor loss = name.equals("non_saturating") ? swappedDiscriminator(real)
                        : AdversarialLoss.valueOf(name.toUpperCase(Locale.ROOT)).ofDiscriminator(real, fake);
                Gradients gradients = loss.backward();
                checks.floats(name + "_d", name + "_d", Shape.of(1), loss.toFloats());
                checks.array("grad_" + name + "_d_real", Differentiated.gradientOrZeros(gradients, real));
                checks.array("grad_" + name + "_d_fake", Differentiated.gradientOrZeros(gradients, fake));
            }
            for (String name : List.of("hinge", "non_saturating")) {
                Tensor fake = c.parameter(backend, "logits_fake");
                Tensor loss =
                        name.equals("hinge") ? AdversarialLoss.HINGE.ofGenerator(fake) : swappedGenerator(fake);
                checks.floats(name + "_g", name + "_g", Shape.of(1), loss.toFloats());
                checks.array(
                        "grad_" + name + "_g_fake", Differentiated.gradientOrZeros(loss.backward(), fake));
            }
        }
    }

    /** What the original computes for non-saturating, input and target swapped: never offered, checked alone. */
    private static Tensor swappedGenerator(Tensor fake) {
        return ReduceOp.mean(affine(fake, -1, (float) (1 + Math.log1p(Math.exp(-1)))));
    }

    private static Tensor swappedDiscriminator(Tensor real) {
        return affine(swappedGenerator(real), 0.5f, (float) (0.5 * Math.log(2)));
    }

    private static PatchDiscriminator discriminator(Path weights, Backend backend, PatchDiscriminator.Config config) {
        try (TensorSource file = SafeTensors.open(weights)) {
            Params params = Params.from(backend, file, p -> new PatchDiscriminator(p, config));
            return new PatchDiscriminator(params, config);
        }
    }

    private static PatchDiscriminator.Config config(GoldenCase c) {
        return new PatchDiscriminator.Config(
                (int) c.setting("input_nc", 3), (int) c.setting("ndf", 64), (int) c.setting("n_layers", 3));
    }

    /** The discriminator: evaluation, then real and fake in training, its gradients, its statistics. */
    static void patch(GoldenCase c, GoldenChecks checks, Backend backend) {
        if (!checks.requires("real", "fake")) {
            return;
        }
        checks.input("real", "fake", WEIGHTS);
        PatchDiscriminator d = discriminator(c.folder().resolve(WEIGHTS), backend, config(c));
        BatchStatistics seen = new BatchStatistics();
        try (Scope _ = Scope.training()) {
            Tensor real = c.tensor(backend, "real");
            checks.array("logits_eval", d.forward(real));
            Tensor logitsReal = d.forward(real, seen);
            Tensor logitsFake = d.forward(c.tensor(backend, "fake"), seen);
            checks.array("logits_real", logitsReal);
            checks.array("logits_fake", logitsFake);
            Tensor loss = AdversarialLoss.HINGE.ofDiscriminator(logitsReal, logitsFake);
            checks.floats("hinge_d", "hinge_d", Shape.of(1), loss.toFloats());
            GradientFiles.check(c, checks, "grads.safetensors", d.params().trainable(), loss.backward());
            seen.apply();
            statistics(c, checks, d);
            Tensor fake = c.parameter(backend, "fake");
            Tensor generator = AdversarialLoss.HINGE.ofGenerator(d.constant().forward(fake, seen));
            checks.floats("hinge_g", "hinge_g", Shape.of(1), generator.toFloats());
            checks.array("grad_fake", generator.backward().of(fake));
        }
    }

    private static void statistics(GoldenCase c, GoldenChecks checks, PatchDiscriminator d) {
        String file = "state_after.safetensors";
        if (!c.hasFile(file)) {
            checks.skip(file, "the case has no such file");
            return;
        }
        Map<String, Tensor> got = new TreeMap<>(d.params().all());
        got.keySet().removeAll(d.params().trainable().keySet());
        try (TensorSource expected = c.open(file)) {
            checks.tensors(file, expected, got, 1e-5, 1e-7);
        }
    }

    /** The objectives of both players; the discriminator is that of the case beside this one. */
    static void combined(GoldenCase c, GoldenChecks checks, Backend backend) {
        if (!checks.requires("inputs", "base", "last_layer", "codebook_losses")) {
            return;
        }
        Path patch = c.neighbour("patchgan");
        if (patch == null) {
            checks.otherwise("needs the discriminator of the case patchgan, which is not beside it");
            return;
        }
        checks.input("inputs", "base", "last_layer", "codebook_losses");
        PatchDiscriminator d =
                discriminator(patch.resolve(WEIGHTS), backend, config(GoldenCase.read(patch)));
        for (String array : c.arrays().keySet()) {
            Matcher of = COMBINED.matcher(array);
            if (of.matches() && of.group(1).equals("gen_loss")) {
                generator(c, checks, backend, d, of);
            }
            Matcher disc = DISCRIMINATOR.matcher(array);
            if (disc.matches()) {
                float weight = Integer.parseInt(disc.group(2)) < DISC_START ? 0 : DISC_WEIGHT;
                try (Scope _ = Scope.inference()) {
                    BatchStatistics seen = new BatchStatistics();
                    Tensor real = d.forward(c.tensor(backend, "inputs"), seen);
                    Tensor fake = d.forward(reconstruction(c, backend, c.tensor(backend, "last_layer")), seen);
                    Tensor loss = scale(AdversarialLoss.HINGE.ofDiscriminator(real, fake), weight);
                    checks.floats(array, array, Shape.of(1), loss.toFloats());
                }
            }
        }
    }

    private static Tensor reconstruction(GoldenCase c, Backend backend, Tensor lastLayer) {
        Tensor base = c.tensor(backend, "base");
        int batch = base.dim(0);
        int height = base.dim(2);
        int width = base.dim(3);
        float[] once = base.toFloats();
        int plane = height * width;
        float[] four = new float[batch * 4 * plane]; // the first four channels of the base twice
        for (int b = 0; b < batch; b++) {
            System.arraycopy(once, b * 3 * plane, four, b * 4 * plane, 3 * plane);
            System.arraycopy(once, b * 3 * plane, four, (b * 4 + 3) * plane, plane);
        }
        Tensor x = Tensor.of(backend, Shape.of(batch, 4, height, width), four);
        return add(base, scale(Conv2dOp.conv2d(x, lastLayer, null, 1, 1, 1, 1, 1), LAST_LAYER_SCALE));
    }

    private static void generator(
            GoldenCase c, GoldenChecks checks, Backend backend, PatchDiscriminator d, Matcher of) {
        String suffix = of.group(2) + "_step" + of.group(3) + "_" + of.group(4);
        try (Scope _ = Scope.training()) {
            Tensor last = c.parameter(backend, "last_layer");
            Tensor y = reconstruction(c, backend, last);
            checks.array("reconstruction", y);
            Tensor difference = sub(c.tensor(backend, "inputs"), y);
            Tensor nll = ReduceOp.mean(
                    of.group(2).equals("l1") ? PointwiseOp.abs(difference) : PointwiseOp.square(difference));
            Tensor adversarial =
                    AdversarialLoss.HINGE.ofGenerator(d.constant().forward(y, new BatchStatistics()));
            float weight = Integer.parseInt(of.group(3)) < DISC_START ? 0 : DISC_WEIGHT;
            if (of.group(4).equals("adaptive")) {
                List<Tensor> wrt = List.of(last);
                weight *= AdversarialLoss.adaptiveWeight(
                        nll.backward(wrt).of(last), adversarial.backward(wrt).of(last));
            }
            float codebook = 0;
            for (float term : c.floats("codebook_losses")) {
                codebook += term;
            }
            Tensor loss = affine(add(nll, scale(adversarial, weight)), 1, codebook);
            checks.floats("gen_loss_" + suffix, "gen_loss_" + suffix, Shape.of(1), loss.toFloats());
            checks.array("gen_grad_" + suffix, Differentiated.gradientOrZeros(loss.backward(), last));
        }
    }
}
