package org.aimjvm.train;

import static org.aimjvm.op.elementwise.ArithmeticOp.add;
import static org.aimjvm.op.elementwise.ArithmeticOp.scale;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.aimjvm.nn.Trace;
import org.aimjvm.op.elementwise.ArithmeticOp;
import org.aimjvm.op.elementwise.PointwiseOp;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.AdversarialLoss;
import org.aimjvm.vq.Codebook;
import org.aimjvm.vq.CodebookProjection;
import org.aimjvm.vq.VqModel;

/**
 * The tokenizer's losses: reconstruction + perceptual + adversarial + codebook + commitment + entropy, of which a run
 * may have few; the golden data's README, section 7.
 */
final class VqLosses {
    private final VqModel model;
    private final VqOptions.Reconstruction distance;
    private final PerceptualTerm perceptual; // null: none
    private final Adversary adversary; // null: none
    private final CodebookProjection projection; // null: the codes are trained themselves
    private final Codebook.Gradient gradient;

    VqLosses(VqModel model, VqOptions options, CodebookProjection projection, Adversary adversary) {
        this.model = model;
        this.distance = options.reconstruction();
        this.perceptual = options.perceptual();
        this.adversary = adversary;
        this.projection = projection;
        this.gradient = options.codebook().gradient();
    }

    /**
     * A pass through the tokenizer.
     *
     * @param loss the weighted sum of the terms
     * @param parts terms by name, without their weights, and measures
     * @param latents before the codebook
     * @param codes I32, that the latents became
     * @param reconstruction (pictures, channels, height, width)
     * @param codebookLoss the terms that move the codes
     */
    record Pass(
            Tensor loss, Map<String, Double> parts, Tensor latents, Tensor codes, Tensor reconstruction,
            Tensor codebookLoss) {}

    /** Names of the terms and measures of a pass, in order; the discriminator's measures too. */
    List<String> names() {
        List<String> names = new ArrayList<>(List.of("reconstruction", "codebook", "commitment"));
        if (model.config().entropyLossRatio() != 0) {
            names.add("entropy");
        }
        if (perceptual != null) {
            names.add("perceptual");
        }
        if (adversary != null) {
            names.addAll(adversary.names());
        }
        return names;
    }

    /** @param x the pictures of {@code rows} (pictures, channels, height, width) in [-1, 1] */
    Pass of(Tensor x, MicroBatch rows) {
        Tensor z = model.latents(x, Trace.OFF);
        Tensor codes = projection == null ? model.codebook().weight() : projection.codes();
        Codebook.Quantized q = model.codebook().quantize(z, codes, gradient);
        Tensor y = model.decodeLatents(q.latents(), Trace.OFF);
        Tensor reconstruction = distance(y, x);
        Map<String, Double> parts = new LinkedHashMap<>();
        parts.put("reconstruction", (double) reconstruction.item());
        parts.put("codebook", (double) q.vqLoss().item());
        parts.put("commitment", (double) q.commitLoss().item());
        Tensor likeness = likeness(reconstruction, y, x, rows, parts);
        Tensor loss = add(likeness, add(q.vqLoss(), q.commitLoss()));
        if (q.entropyLoss() != null) {
            parts.put("entropy", (double) q.entropyLoss().item());
            loss = add(loss, q.entropyLoss());
        }
        if (adversary != null && adversary.counts(rows.step())) {
            loss = add(loss, adversarial(likeness, y, rows, parts));
        }
        Tensor codebookLoss = q.entropyLoss() == null ? q.vqLoss() : add(q.vqLoss(), q.entropyLoss());
        return new Pass(loss, parts, z, q.codes(), y, codebookLoss);
    }

    /** Reconstruction and perceptual loss: what a discriminator's weight is measured by. */
    private Tensor likeness(
            Tensor reconstruction, Tensor y, Tensor x, MicroBatch rows, Map<String, Double> parts) {
        if (perceptual == null || rows.step() < perceptual.fromStep()) {
            return reconstruction;
        }
        Tensor term = ReduceOp.mean(perceptual.distance().distance(y, x));
        parts.put("perceptual", (double) term.item());
        return add(reconstruction, scale(term, (float) perceptual.weight()));
    }

    private Tensor adversarial(Tensor likeness, Tensor y, MicroBatch rows, Map<String, Double> parts) {
        Tensor term = adversary.ofGenerator(y, rows);
        parts.put("adversarial", (double) term.item());
        float weight = (float) adversary.options().weight();
        if (adversary.options().adaptive()) {
            List<Tensor> last = List.of(model.lastDecoderWeight());
            float factor = AdversarialLoss.adaptiveWeight(
                    likeness.backward(last).of(last.getFirst()), term.backward(last).of(last.getFirst()));
            parts.put("adaptive_weight", (double) factor);
            weight *= factor;
        }
        return scale(term, weight);
    }

    private Tensor distance(Tensor y, Tensor x) {
        Tensor difference = ArithmeticOp.sub(y, x);
        return ReduceOp.mean(
                distance == VqOptions.Reconstruction.L1
                        ? PointwiseOp.abs(difference)
                        : PointwiseOp.square(difference));
    }
}
