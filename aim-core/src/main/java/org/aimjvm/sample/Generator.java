package org.aimjvm.sample;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CancellationException;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.Conditioning;
import org.aimjvm.model.DecodeState;
import org.aimjvm.nn.Trace;
import org.aimjvm.tensor.Backend;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Shape;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.VqModel;

/**
 * Pictures from labels: the sequence model draws codes one after another under classifier-free guidance (AiM paper, section
 * 3.4), the tokenizer turns them into pixels. A picture depends on its label, its seed and the options, not on the batch it
 * is made in. Not for use by several threads at once.
 */
public final class Generator {
    /** Pixels decoded at once: one 256x256 picture, or many small ones. Bounds the memory of the tokenizer. */
    private static final int DECODE_PIXELS = 256 * 256;

    private final AimModel model;
    private final VqModel tokenizer;
    private final int side;

    /**
     * @throws IllegalArgumentException if the two do not fit: another codebook size, or tokens that are no square
     */
    public Generator(AimModel model, VqModel tokenizer) {
        this.model = model;
        this.tokenizer = tokenizer;
        int tokens = model.config().numTokens();
        this.side = (int) Math.round(Math.sqrt(tokens));
        if (side * side != tokens) {
            throw new IllegalArgumentException("num_tokens: " + tokens + " (expected a square number)");
        }
        if (model.config().vocabSize() != tokenizer.config().nEmbed()) {
            throw new IllegalArgumentException(
                    "vocab_size: " + model.config().vocabSize() + " (expected the tokenizer's "
                            + tokenizer.config().nEmbed() + " codes)");
        }
    }

    /** Codes along a side of a picture. */
    public int side() {
        return side;
    }

    /**
     * Makes the pictures of a request, in its order.
     *
     * @throws IllegalArgumentException if a label or a prefix token is out of range, before any work
     * @throws CancellationException if the listener cancelled
     */
    public List<GeneratedPicture> generate(GenerationRequest request, GenerationListener listener) {
        check(request);
        List<GeneratedPicture> pictures = new ArrayList<>();
        List<GenerationRequest.Job> jobs = request.jobs();
        try (Scope _ = Scope.inference()) {
            for (int from = 0; from < jobs.size(); from += request.batchSize()) {
                List<GenerationRequest.Job> batch =
                        jobs.subList(from, Math.min(jobs.size(), from + request.batchSize()));
                int[][] codes = drawCodes(request, batch, from, listener);
                for (int i = 0; i < batch.size(); i += decodeBatch()) {
                    int count = Math.min(decodeBatch(), batch.size() - i);
                    float[][] pixels = decode(codes, i, count, side * side);
                    for (int j = 0; j < count; j++) {
                        pictures.add(picture(batch.get(i + j), codes[i + j], pixels[j]));
                        listener.onPicture(from + i + j, pictures.getLast());
                    }
                }
            }
        }
        return pictures;
    }

    private void check(GenerationRequest request) {
        int classes = model.config().numClasses();
        for (GenerationRequest.Job job : request.jobs()) {
            if (job.label() < 0 || job.label() >= classes) {
                throw new IllegalArgumentException("label: " + job.label() + " (expected 0 to " + (classes - 1) + ")");
            }
        }
        if (request.prefix().size() > side * side) {
            throw new IllegalArgumentException(
                    "prefix: " + request.prefix().size() + " tokens (expected at most " + side * side + ")");
        }
        for (int token : request.prefix()) {
            if (token < 0 || token >= model.config().vocabSize()) {
                throw new IllegalArgumentException(
                        "prefix: token " + token + " (expected 0 to " + (model.config().vocabSize() - 1) + ")");
            }
        }
    }

    /** Spreads (seed, label) over the generator's states. */
    private static SplittableRandom random(GenerationRequest.Job job) {
        return new SplittableRandom(job.seed() * 0x9E3779B97F4A7C15L + job.label());
    }

    private int[][] drawCodes(
            GenerationRequest request, List<GenerationRequest.Job> batch, int first, GenerationListener listener) {
        Backend backend = model.backend();
        int count = batch.size();
        int vocab = model.config().vocabSize();
        int tokens = side * side;
        boolean guided = !request.guidance().isNone();
        int sequences = guided ? 2 * count : count;
        int[] labels = new int[sequences];
        SplittableRandom[] randoms = new SplittableRandom[count];
        for (int i = 0; i < count; i++) {
            labels[i] = batch.get(i).label();
            randoms[i] = random(batch.get(i));
            if (guided) {
                labels[count + i] = model.config().nullClass();
            }
        }
        int[][] codes = new int[count][tokens];
        Sampler sampler = new Sampler(request.sampling(), vocab);
        float[] logits = new float[sequences * vocab];
        int[] next = new int[sequences];
        DecodeState state = model.newState(sequences);
        try (Scope _ = Scope.inference()) {
            Conditioning condition = model.condition(Tensor.ofInts(backend, Shape.of(sequences), labels));
            for (int t = 0; t < tokens; t++) {
                if (listener.isCancelled()) {
                    throw new CancellationException("generation cancelled at token " + t + " of " + tokens);
                }
                try (Scope _ = Scope.inference()) {
                    Tensor input = t == 0 ? null : Tensor.ofInts(backend, Shape.of(sequences, 1), next);
                    Tensor out = model.forward(condition, input, state); // (sequences, 1, V)
                    backend.read(out.storage(), 0, logits, 0, logits.length);
                }
                if (guided) {
                    guide(logits, count * vocab, request.guidance().scale(t, tokens));
                }
                for (int i = 0; i < count; i++) {
                    double uniform = randoms[i].nextDouble(); // drawn for forced tokens too: the rest does not depend on them
                    int token = t < request.prefix().size()
                            ? request.prefix().get(t)
                            : sampler.sample(logits, i * vocab, uniform);
                    codes[i][t] = token;
                    next[i] = token;
                    if (guided) {
                        next[count + i] = token;
                    }
                    listener.onToken(first + i, t, token);
                }
                if ((t + 1) % side == 0) {
                    listener.onRow((t + 1) / side, partial(codes, first, t + 1));
                }
            }
        }
        return codes;
    }

    /** {@code logits[i] = uncond + scale (cond - uncond)} for the first half; the second half holds uncond. */
    private static void guide(float[] logits, int half, float scale) {
        for (int i = 0; i < half; i++) {
            logits[i] = logits[half + i] + (logits[i] - logits[half + i]) * scale;
        }
    }

    private GenerationListener.PartialPictures partial(int[][] codes, int first, int done) {
        return new GenerationListener.PartialPictures() {
            @Override
            public int first() {
                return first;
            }

            @Override
            public int count() {
                return codes.length;
            }

            @Override
            public float[] decode(int i) {
                return Generator.this.decode(codes, i, 1, done)[0];
            }
        };
    }

    private int decodeBatch() {
        int pixels = side * side * tokenizer.config().downsampling() * tokenizer.config().downsampling();
        return Math.max(1, DECODE_PIXELS / pixels);
    }

    private GeneratedPicture picture(GenerationRequest.Job job, int[] codes, float[] pixels) {
        int size = side * tokenizer.config().downsampling();
        return new GeneratedPicture(
                job.label(), job.seed(), codes, tokenizer.config().outChannels(), size, size, pixels);
    }

    /** Pixels of {@code count} pictures, with zero latents in place of codes from {@code done} on. */
    private float[][] decode(int[][] codes, int from, int count, int done) {
        Backend backend = tokenizer.backend();
        int area = side * side;
        int[] flat = new int[count * area];
        for (int i = 0; i < count; i++) {
            System.arraycopy(codes[from + i], 0, flat, i * area, done);
        }
        try (Scope _ = Scope.inference()) {
            Tensor latents = tokenizer
                    .codebook()
                    .lookup(Tensor.ofInts(backend, Shape.of(count * area), flat), count, side, side);
            if (done < area) {
                for (int plane = 0; plane < latents.dim(0) * latents.dim(1); plane++) {
                    backend.fill(latents.storage(), plane * area + done, area - done, 0f);
                }
            }
            float[] all = tokenizer.decodeLatents(latents, Trace.OFF).toFloats();
            float[][] pixels = new float[count][all.length / count];
            for (int i = 0; i < count; i++) {
                System.arraycopy(all, i * pixels[i].length, pixels[i], 0, pixels[i].length);
            }
            return pixels;
        }
    }
}
