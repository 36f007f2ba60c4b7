package org.aimjvm.sample;

import static org.aimjvm.backend.SplitMix64.mix;

import java.util.List;
import java.util.concurrent.CancellationException;
import org.aimjvm.backend.SamplingKernels;
import org.aimjvm.model.AimModel;

/** Draws the codes of one batch after another; keeps its buffers and the model's decoder in between. */
abstract sealed class CodeDrawing implements AutoCloseable permits HostDrawing, DeviceDrawing {
    /** Told after each position. */
    interface Progress {
        /** The first {@code done} codes of every picture of the batch are drawn. */
        void drawn(int[][] codes, int done);
    }

    final AimModel model;
    final GenerationRequest request;
    final GenerationListener listener;
    final boolean guided;

    CodeDrawing(AimModel model, GenerationRequest request, GenerationListener listener) {
        this.model = model;
        this.request = request;
        this.listener = listener;
        this.guided = !request.guidance().isNone();
    }

    /**
     * Drawing on the device where the model's backend can, else on the host; there too if pictures have forced tokens
     * of their own, for which the device's kernels have no place.
     */
    static CodeDrawing of(AimModel model, GenerationRequest request, GenerationListener listener) {
        SamplingKernels kernels = model.backend().sampling().orElse(null);
        return kernels == null || request.jobs().stream().anyMatch(job -> job.forced() != null)
                ? new HostDrawing(model, request, listener)
                : new DeviceDrawing(model, request, listener, kernels);
    }

    /**
     * Draws all codes of a batch, side by side.
     *
     * @param first index of its first picture in the request
     * @return (pictures, tokens)
     * @throws CancellationException if the listener cancelled, or the thread was interrupted
     * @throws IllegalArgumentException if a logit is NaN or none is finite
     */
    abstract int[][] draw(List<GenerationRequest.Job> batch, int first, Progress progress);

    @Override
    public abstract void close();

    /** Sequences that {@code pictures} need: under guidance the conditional half, then the null half. */
    final int sequences(int pictures) {
        return guided ? 2 * pictures : pictures;
    }

    final void checkCancelled(int token) {
        if (Generator.isCancelled(listener)) {
            throw new CancellationException(
                    "generation cancelled at token " + token + " of " + model.config().numTokens());
        }
    }

    /** The code that position {@code t} of a picture is given, or {@link GenerationRequest.Job#DRAWN}. */
    final int forced(GenerationRequest.Job job, int t) {
        if (t < request.prefix().size()) {
            return request.prefix().get(t);
        }
        return job.forced() == null ? GenerationRequest.Job.DRAWN : job.forced()[t];
    }

    final int[] labels(List<GenerationRequest.Job> batch) {
        int[] labels = new int[sequences(batch.size())];
        for (int i = 0; i < labels.length; i++) {
            labels[i] = i < batch.size() ? batch.get(i).label() : model.config().nullClass();
        }
        return labels;
    }

    /**
     * The random number of a token as 53 bits: a function of seed, label and position and nothing else, so that neither
     * the batch nor forced tokens change the others. The seed is mixed before the rest is added, or the numbers of seed
     * s + 1 would be those of seed s, one position on.
     */
    static long random53(GenerationRequest.Job job, int position) {
        return mix(mix(mix(job.seed()) + job.label()) + position) >>> 11;
    }
}
