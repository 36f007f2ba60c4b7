package org.aimjvm.sample;

import java.util.Arrays;
import java.util.List;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.SamplingKernels;
import org.aimjvm.backend.Shape;
import org.aimjvm.backend.Storage;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.Decoder;
import org.aimjvm.tensor.Tensor;

/**
 * Draws on the device at the end of each pass, captured with it: tokens, states and logits stay there, and the host
 * runs ahead. It waits only where it reads the codes, every {@value #READ_EVERY} positions, and tells the listener of
 * these then.
 */
final class DeviceDrawing extends CodeDrawing {
    static final int READ_EVERY = 16;

    private final SamplingKernels kernels;
    private final SamplingKernels.Filters filters;
    private final int tokens;
    private final Tensor scales; // (tokens)
    private final Tensor forced; // I32 (tokens)
    private final Tensor position; // I32 (1)
    private Tensor codes; // I32 (pictures, tokens)
    private Tensor uniforms; // I32 (pictures, tokens, 2)
    private Decoder decoder;

    DeviceDrawing(
            AimModel model, GenerationRequest request, GenerationListener listener, SamplingKernels kernels) {
        super(model, request, listener);
        this.kernels = kernels;
        SamplingOptions o = request.sampling();
        this.filters = new SamplingKernels.Filters(o.temperature(), o.topK(), o.topP(), o.minP());
        this.tokens = model.config().numTokens();
        Backend backend = model.backend();
        this.scales = Tensor.persistent(backend, Shape.of(tokens));
        this.forced = Tensor.persistentInts(backend, Shape.of(tokens));
        this.position = Tensor.persistentInts(backend, Shape.of(1));
        float[] scale = new float[tokens];
        int[] force = new int[tokens];
        for (int t = 0; t < tokens; t++) {
            scale[t] = request.guidance().scale(t, tokens);
            force[t] = t < request.prefix().size() ? request.prefix().get(t) : GenerationRequest.Job.DRAWN;
        }
        scales.write(scale);
        forced.write(force);
    }

    @Override
    int[][] draw(List<GenerationRequest.Job> batch, int first, Progress progress) {
        prepare(batch.size());
        uniforms.write(randomNumbers(batch));
        position.write(new int[] {0});
        int[][] drawn = new int[batch.size()][tokens];
        int read = 0;
        for (int t = 0; t < tokens; t++) {
            checkCancelled(t);
            if (t == 0) {
                decoder.begin(labels(batch));
            } else {
                decoder.next();
            }
            if ((t + 1) % READ_EVERY == 0 || t + 1 == tokens) {
                readCodes(drawn, read, t + 1);
                for (; read <= t; read++) {
                    for (int i = 0; i < batch.size(); i++) {
                        listener.onToken(first + i, read, drawn[i][read]);
                    }
                    progress.drawn(drawn, read + 1);
                }
            }
        }
        return drawn;
    }

    private void prepare(int pictures) {
        if (decoder != null && decoder.batch() == sequences(pictures)) {
            return;
        }
        close();
        Backend backend = model.backend();
        codes = Tensor.persistentInts(backend, Shape.of(pictures, tokens));
        uniforms = Tensor.persistentInts(backend, Shape.of(pictures, tokens, 2));
        Storage drawn = codes.storage();
        SamplingKernels.Plan plan = new SamplingKernels.Plan(uniforms.storage(), scales.storage(), forced.storage());
        SamplingKernels.Sizes sizes =
                new SamplingKernels.Sizes(pictures, tokens, model.config().vocabSize(), guided);
        decoder = new Decoder(
                model, sequences(pictures), (logits, next, rows) -> kernels.draw(
                        new SamplingKernels.State(drawn, next.storage(), rows.storage(), position.storage()),
                        logits.storage(), plan, sizes, filters));
    }

    private int[] randomNumbers(List<GenerationRequest.Job> batch) {
        int[] halves = new int[batch.size() * tokens * 2];
        for (int i = 0; i < halves.length / 2; i++) {
            long bits = random53(batch.get(i / tokens), i % tokens);
            halves[2 * i] = (int) (bits >>> 32);
            halves[2 * i + 1] = (int) bits;
        }
        return halves;
    }

    private void readCodes(int[][] drawn, int from, int to) {
        int[] all = codes.toInts();
        for (int i = 0; i < drawn.length; i++) {
            System.arraycopy(all, i * tokens + from, drawn[i], from, to - from);
            if (Arrays.stream(drawn[i], from, to).anyMatch(code -> code < 0)) {
                throw new IllegalArgumentException("sample: a logit of picture " + i
                        + " of the batch is NaN or none is finite (the weights are damaged or training diverged)");
            }
        }
    }

    @Override
    public void close() {
        if (decoder != null) {
            decoder.close();
            decoder = null;
        }
    }
}
