package org.aimjvm.train;

import static org.aimjvm.op.elementwise.ArithmeticOp.add;
import static org.aimjvm.op.elementwise.ArithmeticOp.scale;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.aimjvm.op.elementwise.ArithmeticOp;
import org.aimjvm.op.elementwise.PointwiseOp;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.AdversarialLoss;
import org.aimjvm.vq.VqModel;

/**
 * The losses between a picture and what a decoder made of it, whatever it was made from: reconstruction + perceptual +
 * adversarial, of which a run may have few.
 */
final class PictureLosses {
    private final VqModel model;
    private final VqOptions.Reconstruction distance;
    private final PerceptualTerm perceptual; // null: none
    private final Adversary adversary; // null: none

    PictureLosses(VqModel model, VqOptions options, Adversary adversary) {
        this.model = model;
        this.distance = options.reconstruction();
        this.perceptual = options.perceptual();
        this.adversary = adversary;
    }

    /** Names of the terms and measures of a pass but for {@code reconstruction}, in order; the discriminator's too. */
    List<String> names() {
        List<String> names = new ArrayList<>();
        if (perceptual != null) {
            names.add("perceptual");
        }
        if (adversary != null) {
            names.addAll(adversary.names());
        }
        return names;
    }

    /**
     * Reconstruction and perceptual loss: what a discriminator's weight is measured by.
     *
     * @param y made (pictures, channels, height, width)
     * @param x real, of the same shape
     * @param parts output: the terms by name, without their weights
     */
    Tensor likeness(Tensor y, Tensor x, MicroBatch rows, Map<String, Double> parts) {
        boolean seen = perceptual != null && rows.step() >= perceptual.fromStep();
        Tensor likeness = likeness(y, x, seen, parts);
        if (adversary != null) {
            adversary.note(rows, parts.get("reconstruction"));
        }
        return likeness;
    }

    /** As {@link #likeness(Tensor, Tensor, MicroBatch, Map)} as at the end of a run, with all terms that it has. */
    Tensor likeness(Tensor y, Tensor x, Map<String, Double> parts) {
        return likeness(y, x, perceptual != null, parts);
    }

    private Tensor likeness(Tensor y, Tensor x, boolean withPerceptual, Map<String, Double> parts) {
        Tensor reconstruction = distance(y, x);
        parts.put("reconstruction", (double) reconstruction.item());
        if (!withPerceptual) {
            return reconstruction;
        }
        Tensor term = ReduceOp.mean(perceptual.distance().distance(y, x));
        parts.put("perceptual", (double) term.item());
        return add(reconstruction, scale(term, (float) perceptual.weight()));
    }

    /**
     * {@code loss} and what the discriminator adds to it, if it counts in this step.
     *
     * @param likeness of the same pass
     */
    Tensor withAdversary(Tensor loss, Tensor likeness, Tensor y, MicroBatch rows, Map<String, Double> parts) {
        return adversary != null && adversary.counts(rows.step())
                ? add(loss, adversarial(likeness, y, rows, parts))
                : loss;
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
