package org.aimjvm.sample;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.OutOfDeviceMemoryException;
import org.aimjvm.backend.Shape;
import org.aimjvm.model.AimModel;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.VqModel;

/**
 * Pictures from labels: the sequence model draws codes one after another under classifier-free guidance (AiM paper,
 * section 3.4), the tokenizer turns them into pixels. A picture depends on its label, its seed and the options, not on
 * the batch it is made in. Not for use by several threads at once.
 */
public final class Generator {
    /** Pixels decoded at once: one 256x256 picture, or many small ones. Bounds the memory of the tokenizer. */
    private static final int DECODE_PIXELS = 256 * 256;

    /** On a device, which one picture does not fill. */
    private static final int DEVICE_DECODE_PIXELS = 16 * DECODE_PIXELS;

    private static final int MAX_SIDE = 1 << 14;

    private final AimModel model;
    private final VqModel tokenizer;
    private final int side;
    private final int size;

    /**
     * @throws IllegalArgumentException if the two do not fit: another codebook size, tokens that are no square, or
     *     pictures too large
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
        this.size = side * tokenizer.config().downsampling();
        if (size > MAX_SIDE) {
            throw new IllegalArgumentException(
                    "num_tokens: " + tokens + " give pictures of " + size + " pixels a side (expected at most "
                            + MAX_SIDE
                            + ")");
        }
    }

    /** Codes along a side of a picture. */
    public int side() {
        return side;
    }

    /** Pixels along a side of a picture. */
    public int pictureSize() {
        return size;
    }

    /** Codes that a listener is told of at a time: one, or more where the device draws them. */
    public int tokensPerReport() {
        return drawsOnDevice() ? DeviceDrawing.READ_EVERY : 1;
    }

    private boolean drawsOnDevice() {
        return model.backend().sampling().isPresent();
    }

    /**
     * Makes the pictures of a request, in its order.
     *
     * @throws IllegalArgumentException if a label or a prefix token is out of range, before any work
     * @throws CancellationException if the listener cancelled, or the thread was interrupted; its interrupt status
     *     stays set
     */
    public List<GeneratedPicture> generate(GenerationRequest request, GenerationListener listener) {
        List<GeneratedPicture> pictures = new ArrayList<>();
        generateEach(request, listener, pictures::add);
        return pictures;
    }

    /**
     * As {@link #generate}, but hands each picture over when it is finished and keeps none: any number in constant
     * memory.
     *
     * @param each takes the pictures, in the order of the request, on this thread; what it throws ends the generation
     */
    public void generateEach(
            GenerationRequest request, GenerationListener listener, Consumer<? super GeneratedPicture> each) {
        drawEach(request, listener, (batch, first, codes) -> finish(batch, first, codes, listener, each));
    }

    /**
     * The codes that {@link #generate} makes pictures of; none is made.
     *
     * @return (pictures, tokens), in the order of the request
     * @throws IllegalArgumentException if a label or a forced token is out of range, before any work
     * @throws CancellationException as {@link #generate}
     */
    public int[][] draw(GenerationRequest request, GenerationListener listener) {
        int[][] all = new int[request.jobs().size()][];
        drawEach(request, listener, (batch, first, codes) -> System.arraycopy(codes, 0, all, first, batch.size()));
        return all;
    }

    /** Takes a batch whose codes are drawn. */
    private interface Drawn {
        void batch(List<GenerationRequest.Job> batch, int first, int[][] codes);
    }

    private void drawEach(GenerationRequest request, GenerationListener listener, Drawn then) {
        check(request);
        List<GenerationRequest.Job> jobs = request.jobs();
        long before = model.backend().bytesInUse();
        try (Scope _ = Scope.inference();
                CodeDrawing drawing = CodeDrawing.of(model, request, listener)) {
            for (int first = 0; first < jobs.size(); first += request.batchSize()) {
                List<GenerationRequest.Job> batch =
                        jobs.subList(first, Math.min(jobs.size(), first + request.batchSize()));
                int from = first;
                try {
                    int[][] codes = drawing.draw(
                            batch, first, (drawn, done) -> {
                                if (done % side == 0) {
                                    listener.onRow(done / side, new Partial(drawn, from, done));
                                }
                            });
                    then.batch(batch, first, codes);
                } catch (OutOfDeviceMemoryException e) {
                    throw e.forBatch(batch.size(), before);
                }
            }
        }
    }

    /** Whether a generation on this thread is to end. */
    static boolean isCancelled(GenerationListener listener) {
        return listener.isCancelled() || Thread.currentThread().isInterrupted();
    }

    private void finish(
            List<GenerationRequest.Job> batch, int first, int[][] codes, GenerationListener listener,
            Consumer<? super GeneratedPicture> each) {
        int pixelsTogether = drawsOnDevice() ? DEVICE_DECODE_PIXELS : DECODE_PIXELS;
        int together = Math.max(1, pixelsTogether / (size * size));
        for (int i = 0; i < batch.size(); i += together) {
            if (isCancelled(listener)) {
                throw new CancellationException("generation cancelled at picture " + (first + i));
            }
            int count = Math.min(together, batch.size() - i);
            float[][] pixels = decode(codes, i, count, side * side);
            for (int j = 0; j < count; j++) {
                GenerationRequest.Job job = batch.get(i + j);
                GeneratedPicture picture = new GeneratedPicture(
                        job.label(), job.seed(), codes[i + j], tokenizer.config().outChannels(), size, size, pixels[j]);
                listener.onPicture(first + i + j, picture);
                each.accept(picture);
            }
        }
    }

    private void check(GenerationRequest request) {
        int classes = model.config().numClasses();
        int vocab = model.config().vocabSize();
        for (GenerationRequest.Job job : request.jobs()) {
            if (job.label() < 0 || job.label() >= classes) {
                throw new IllegalArgumentException("label: " + job.label() + " (expected 0 to " + (classes - 1) + ")");
            }
            checkForced(job.forced(), vocab);
        }
        if (request.prefix().size() > side * side) {
            throw new IllegalArgumentException(
                    "prefix: " + request.prefix().size() + " tokens (expected at most " + side * side + ")");
        }
        for (int token : request.prefix()) {
            if (token < 0 || token >= vocab) {
                throw new IllegalArgumentException("prefix: token " + token + " (expected 0 to " + (vocab - 1) + ")");
            }
        }
        int batch = Math.min(request.batchSize(), request.jobs().size());
        if (2L * batch * vocab > Integer.MAX_VALUE - 8) {
            throw new IllegalArgumentException(
                    "batch: " + batch + " pictures of " + vocab + " logits (expected at most "
                            + (Integer.MAX_VALUE - 8) / 2 / vocab + ")");
        }
    }

    private void checkForced(int[] forced, int vocab) {
        if (forced == null) {
            return;
        }
        if (forced.length != side * side) {
            throw new IllegalArgumentException(
                    "forced: " + forced.length + " tokens (expected " + side * side + ")");
        }
        for (int token : forced) {
            if (token != GenerationRequest.Job.DRAWN && (token < 0 || token >= vocab)) {
                throw new IllegalArgumentException("forced: token " + token + " (expected 0 to " + (vocab - 1) + ", or "
                        + GenerationRequest.Job.DRAWN + " for one that is drawn)");
            }
        }
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
            Tensor pictures = tokenizer.decodeLatents(latents); // (count, channels, size, size)
            float[][] pixels = new float[count][pictures.size() / count];
            for (int i = 0; i < count; i++) {
                backend.read(pictures.storage(), i * pixels[i].length, pixels[i], 0, pixels[i].length);
            }
            return pixels;
        }
    }

    /** Pictures of which the first {@code done} codes are drawn. */
    private final class Partial implements GenerationListener.PartialPictures {
        private final int[][] codes;
        private final int first;
        private final int done;

        Partial(int[][] codes, int first, int done) {
            this.codes = codes;
            this.first = first;
            this.done = done;
        }

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
    }
}
