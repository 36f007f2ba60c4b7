package org.aimjvm.sample;

import java.util.List;
import java.util.concurrent.CancellationException;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.Decoder;
import org.aimjvm.tensor.Backend;
import org.aimjvm.tensor.Tensor;

/** Draws the codes of one batch after another; keeps its buffers and the model's decoder in between. */
final class CodeDrawing implements AutoCloseable {
    /** Told after each position. */
    interface Progress {
        /** The first {@code done} codes of every picture of the batch are drawn. */
        void drawn(int[][] codes, int done);
    }

    private final AimModel model;
    private final GenerationRequest request;
    private final GenerationListener listener;
    private final Sampler sampler;
    private final boolean guided;
    private Decoder decoder;
    private float[] logits = {};

    CodeDrawing(AimModel model, GenerationRequest request, GenerationListener listener) {
        this.model = model;
        this.request = request;
        this.listener = listener;
        this.sampler = new Sampler(request.sampling(), model.config().vocabSize());
        this.guided = !request.guidance().isNone();
    }

    /**
     * Draws all codes of a batch, side by side.
     *
     * @param first index of its first picture in the request
     * @return (pictures, tokens)
     */
    int[][] draw(List<GenerationRequest.Job> batch, int first, Progress progress) {
        Backend backend = model.backend();
        int count = batch.size();
        int vocab = model.config().vocabSize();
        int tokens = model.config().numTokens();
        int sequences = guided ? 2 * count : count; // conditional half, then null half
        int[][] codes = new int[count][tokens];
        int[] next = new int[sequences];
        prepare(sequences);
        for (int t = 0; t < tokens; t++) {
            if (listener.isCancelled()) {
                throw new CancellationException("generation cancelled at token " + t + " of " + tokens);
            }
            Tensor out = t == 0 ? decoder.begin(labels(batch, sequences)) : decoder.next(next); // (sequences, 1, V)
            backend.read(out.storage(), 0, logits, 0, sequences * vocab);
            if (guided) {
                guide(count * vocab, request.guidance().scale(t, tokens));
            }
            for (int i = 0; i < count; i++) {
                int token = t < request.prefix().size()
                        ? request.prefix().get(t)
                        : sampler.sample(logits, i * vocab, uniform(batch.get(i), t));
                codes[i][t] = token;
                next[i] = token;
                if (guided) {
                    next[count + i] = token;
                }
                listener.onToken(first + i, t, token);
            }
            progress.drawn(codes, t + 1);
        }
        return codes;
    }

    private void prepare(int sequences) {
        if (decoder == null || decoder.batch() != sequences) {
            close();
            decoder = new Decoder(model, sequences);
        }
        int needed = sequences * model.config().vocabSize();
        if (logits.length < needed) {
            logits = new float[needed];
        }
    }

    @Override
    public void close() {
        if (decoder != null) {
            decoder.close();
        }
    }

    private int[] labels(List<GenerationRequest.Job> batch, int sequences) {
        int[] labels = new int[sequences];
        for (int i = 0; i < sequences; i++) {
            labels[i] = i < batch.size() ? batch.get(i).label() : model.config().nullClass();
        }
        return labels;
    }

    /** {@code logits[i] = uncond + scale (cond - uncond)} for the first half; the second half holds uncond. */
    private void guide(int half, float scale) {
        for (int i = 0; i < half; i++) {
            logits[i] = logits[half + i] + (logits[i] - logits[half + i]) * scale;
        }
    }

    /**
     * The random number of a token, in [0, 1): a function of seed, label and position and nothing else, so that neither the
     * batch nor forced tokens change the others. The seed is mixed before the rest is added, or the numbers of seed s + 1
     * would be those of seed s, one position on.
     */
    private static double uniform(GenerationRequest.Job job, int position) {
        return (mix(mix(mix(job.seed()) + job.label()) + position) >>> 11) * 0x1.0p-53;
    }

    /** The SplitMix64 finaliser (Steele et al. 2014). */
    private static long mix(long x) {
        long z = x + 0x9e3779b97f4a7c15L;
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }
}
