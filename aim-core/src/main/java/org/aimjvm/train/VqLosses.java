package org.aimjvm.train;

import static org.aimjvm.op.elementwise.ArithmeticOp.add;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.aimjvm.nn.Trace;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.Codebook;
import org.aimjvm.vq.CodebookProjection;
import org.aimjvm.vq.VqModel;

/**
 * The tokenizer's losses: reconstruction + perceptual + adversarial + codebook + commitment + entropy, of which a run
 * may have few; the golden data's README, section 7.
 */
final class VqLosses {
    private final VqModel model;
    private final PictureLosses pictures;
    private final CodebookProjection projection; // null: the codes are trained themselves
    private final Codebook.Gradient gradient;

    VqLosses(VqModel model, VqOptions options, CodebookProjection projection, Adversary adversary) {
        this.model = model;
        this.pictures = new PictureLosses(model, options, adversary);
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
        names.addAll(pictures.names());
        return names;
    }

    /** @param x the pictures of {@code rows} (pictures, channels, height, width) in [-1, 1] */
    Pass of(Tensor x, MicroBatch rows) {
        Tensor z = model.latents(x, Trace.OFF);
        Tensor codes = projection == null ? model.codebook().weight() : projection.codes();
        Codebook.Quantized q = model.codebook().quantize(z, codes, gradient);
        Tensor y = model.decodeLatents(q.latents(), Trace.OFF);
        Map<String, Double> parts = new LinkedHashMap<>();
        Tensor likeness = pictures.likeness(y, x, rows, parts);
        parts.put("codebook", (double) q.vqLoss().item());
        parts.put("commitment", (double) q.commitLoss().item());
        Tensor loss = add(likeness, add(q.vqLoss(), q.commitLoss()));
        if (q.entropyLoss() != null) {
            parts.put("entropy", (double) q.entropyLoss().item());
            loss = add(loss, q.entropyLoss());
        }
        loss = pictures.withAdversary(loss, likeness, y, rows, parts);
        Tensor codebookLoss = q.entropyLoss() == null ? q.vqLoss() : add(q.vqLoss(), q.entropyLoss());
        return new Pass(loss, parts, z, q.codes(), y, codebookLoss);
    }
}
