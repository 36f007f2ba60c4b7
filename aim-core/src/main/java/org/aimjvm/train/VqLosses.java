package org.aimjvm.train;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.aimjvm.nn.Trace;
import org.aimjvm.op.elementwise.ArithmeticOp;
import org.aimjvm.op.elementwise.PointwiseOp;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.Codebook;
import org.aimjvm.vq.VqModel;

/**
 * The tokenizer's losses: reconstruction + codebook + commitment + entropy (if the configuration has one), the golden
 * data's README, section 7.
 */
final class VqLosses {
    private final VqModel model;
    private final VqOptions.Reconstruction distance;

    VqLosses(VqModel model, VqOptions.Reconstruction distance) {
        this.model = model;
        this.distance = distance;
    }

    /**
     * A pass through the tokenizer.
     *
     * @param loss the sum of {@code parts}
     * @param parts terms by name
     * @param latents before the codebook
     * @param codes I32, that the latents became
     * @param reconstruction (pictures, channels, height, width)
     */
    record Pass(Tensor loss, Map<String, Double> parts, Tensor latents, Tensor codes, Tensor reconstruction) {}

    /** Names of the terms, in order. */
    List<String> names() {
        return model.config().entropyLossRatio() == 0
                ? List.of("reconstruction", "codebook", "commitment")
                : List.of("reconstruction", "codebook", "commitment", "entropy");
    }

    /** @param x pictures (pictures, channels, height, width) in [-1, 1] */
    Pass of(Tensor x) {
        Tensor z = model.latents(x, Trace.OFF);
        Codebook.Quantized q = model.codebook().quantize(z);
        Tensor y = model.decodeLatents(q.latents(), Trace.OFF);
        Tensor reconstruction = distance(y, x);
        Map<String, Double> parts = new LinkedHashMap<>();
        parts.put("reconstruction", (double) reconstruction.item());
        parts.put("codebook", (double) q.vqLoss().item());
        parts.put("commitment", (double) q.commitLoss().item());
        Tensor loss = ArithmeticOp.add(reconstruction, ArithmeticOp.add(q.vqLoss(), q.commitLoss()));
        if (q.entropyLoss() != null) {
            parts.put("entropy", (double) q.entropyLoss().item());
            loss = ArithmeticOp.add(loss, q.entropyLoss());
        }
        return new Pass(loss, parts, z, q.codes(), y);
    }

    private Tensor distance(Tensor y, Tensor x) {
        Tensor difference = ArithmeticOp.sub(y, x);
        return ReduceOp.mean(
                distance == VqOptions.Reconstruction.L1
                        ? PointwiseOp.abs(difference)
                        : PointwiseOp.square(difference));
    }
}
