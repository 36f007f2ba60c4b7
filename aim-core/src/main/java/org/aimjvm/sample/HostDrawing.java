package org.aimjvm.sample;

import java.util.List;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.Decoder;
import org.aimjvm.tensor.Tensor;

/** Reads the logits of each position and draws by {@link Sampler}. */
final class HostDrawing extends CodeDrawing {
    private final Sampler sampler;
    private Decoder decoder;
    private float[] logits = {};

    HostDrawing(AimModel model, GenerationRequest request, GenerationListener listener) {
        super(model, request, listener);
        this.sampler = new Sampler(request.sampling(), model.config().vocabSize());
    }

    @Override
    int[][] draw(List<GenerationRequest.Job> batch, int first, Progress progress) {
        int count = batch.size();
        int vocab = model.config().vocabSize();
        int tokens = model.config().numTokens();
        int sequences = sequences(count);
        int[][] codes = new int[count][tokens];
        int[] next = new int[sequences];
        prepare(sequences);
        for (int t = 0; t < tokens; t++) {
            checkCancelled(t);
            Tensor out = t == 0 ? decoder.begin(labels(batch)) : decoder.next(next); // (sequences, 1, V)
            model.backend().read(out.storage(), 0, logits, 0, sequences * vocab);
            if (guided) {
                guide(count * vocab, request.guidance().scale(t, tokens));
            }
            for (int i = 0; i < count; i++) {
                int forced = forced(batch.get(i), t);
                int token = forced != GenerationRequest.Job.DRAWN
                        ? forced
                        : sampler.sample(logits, i * vocab, random53(batch.get(i), t) * 0x1.0p-53);
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

    /** {@code logits[i] = uncond + scale (cond - uncond)} for the first half; the second half holds uncond. */
    private void guide(int half, float scale) {
        for (int i = 0; i < half; i++) {
            logits[i] = logits[half + i] + (logits[i] - logits[half + i]) * scale;
        }
    }

    @Override
    public void close() {
        if (decoder != null) {
            decoder.close();
        }
    }
}
