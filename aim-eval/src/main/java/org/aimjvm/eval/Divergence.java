package org.aimjvm.eval;

import java.util.function.Consumer;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.measure.RandomCheckpoint;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.Decoder;
import org.aimjvm.model.PositionRule;
import org.aimjvm.nn.Params;
import org.aimjvm.tensor.Tensor;

/**
 * How far the distribution of the next code moves when weights or states are held in fewer bits: the Kullback-Leibler
 * divergence {@code sum over codes of p log(p / q)} in nats, p from the exact model, q from the rounded one, both given
 * the same codes before.
 *
 * @param mean over all positions
 * @param max greatest of all positions
 * @param sameBest share of positions whose most probable code is the same
 * @param logits normalised difference of the logits over all positions, {@code |a - b| / |a|} of Euclidean norms
 * @param positions how many
 */
public record Divergence(double mean, double max, double sameBest, double logits, long positions) {

    /**
     * Compares two models of one architecture.
     *
     * @param labels a class for each sequence. Not modified
     * @param codes the sequences, each of at most numTokens codes. Not modified
     */
    public static Divergence of(AimModel exact, AimModel rounded, int[] labels, int[][] codes) {
        int vocab = exact.config().vocabSize();
        double sum = 0;
        double max = 0;
        long same = 0;
        double difference = 0;
        double norm = 0;
        long positions = 0;
        double[] p = new double[vocab];
        double[] q = new double[vocab];
        try (Decoder a = new Decoder(exact, 1); Decoder b = new Decoder(rounded, 1)) {
            for (int i = 0; i < labels.length; i++) {
                for (int t = 0; t < codes[i].length; t++) {
                    float[] logits = step(a, labels[i], codes[i], t).toFloats();
                    float[] others = step(b, labels[i], codes[i], t).toFloats();
                    int bestP = logSoftmax(p, logits);
                    int bestQ = logSoftmax(q, others);
                    double divergence = 0;
                    for (int v = 0; v < vocab; v++) {
                        divergence += Math.exp(p[v]) * (p[v] - q[v]);
                        double d = (double) logits[v] - others[v];
                        difference += d * d;
                        norm += (double) logits[v] * logits[v];
                    }
                    divergence = Math.max(0, divergence); // rounding
                    sum += divergence;
                    max = Math.max(max, divergence);
                    same += bestP == bestQ ? 1 : 0;
                    positions++;
                }
            }
        }
        return new Divergence(
                sum / positions, max, (double) same / positions, Math.sqrt(difference / norm), positions);
    }

    /**
     * A model with random weights in which all layers count for the result, for {@link #of}.
     *
     * @param format how the weight matrices are held
     */
    public static AimModel random(Backend backend, AimConfig config, long seed, WeightFormat format) {
        RandomCheckpoint source = new RandomCheckpoint(config, seed);
        Consumer<Params> build = params -> new AimModel(params, config, PositionRule.SEQUENCE_INDEX);
        return new AimModel(
                Params.frozen(backend, source, build, format), config, PositionRule.SEQUENCE_INDEX);
    }

    private static Tensor step(Decoder decoder, int label, int[] codes, int t) {
        return t == 0 ? decoder.begin(new int[] {label}) : decoder.next(new int[] {codes[t - 1]});
    }

    /** Logarithms of the probabilities; returns the most probable code. */
    private static int logSoftmax(double[] out, float[] logits) {
        int best = 0;
        for (int v = 1; v < logits.length; v++) {
            best = logits[v] > logits[best] ? v : best;
        }
        double total = 0;
        for (int v = 0; v < logits.length; v++) {
            out[v] = (double) logits[v] - logits[best];
            total += Math.exp(out[v]);
        }
        double log = Math.log(total);
        for (int v = 0; v < logits.length; v++) {
            out[v] -= log;
        }
        return best;
    }
}
