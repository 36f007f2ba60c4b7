package org.aimjvm.nn;

import org.aimjvm.backend.Shape;
import org.aimjvm.op.norm.BatchNormOp;
import org.aimjvm.tensor.Tensor;

/**
 * Batch normalisation over NCHW with {@code weight} and {@code bias} per channel, and the running statistics {@code
 * running_mean}, {@code running_var}, {@code num_batches_tracked} for evaluation. eps is 1e-5.
 *
 * <p>A pass in training normalises by the batch and hands its statistics to a {@link BatchStatistics}; the running ones
 * move when that is applied, and at no other time.
 */
public final class BatchNorm2d {
    private static final float EPS = 1e-5f;
    /** Share of a batch in the running statistics. */
    private static final float MOMENTUM = 0.1f;

    private final Tensor weight;
    private final Tensor bias;
    private final Tensor runningMean;
    private final Tensor runningVariance;
    private final Tensor batches;

    /** @param init of the weight */
    public BatchNorm2d(Params params, int channels, Init init) {
        this.weight = params.get("weight", Shape.of(channels), init);
        this.bias = params.get("bias", Shape.of(channels), Init.zeros());
        this.runningMean = params.buffer("running_mean", Shape.of(channels), Init.zeros());
        this.runningVariance = params.buffer("running_var", Shape.of(channels), Init.ones());
        this.batches = params.buffer("num_batches_tracked", Shape.of(), Init.zeros());
    }

    /** x normalised by the running statistics: evaluation. */
    public Tensor forward(Tensor x) {
        return BatchNormOp.batchNorm(x, weight, bias, runningMean, runningVariance, EPS);
    }

    /**
     * x (batch, channels, height, width) normalised by its own statistics: training.
     *
     * @param seen gets these statistics
     */
    public Tensor forward(Tensor x, BatchStatistics seen) {
        BatchNormOp.Normed n = BatchNormOp.batchNorm(x, weight, bias, EPS);
        int count = x.dim(0) * x.dim(2) * x.dim(3);
        float[] variance = n.variance().toFloats();
        for (int c = 0; c < variance.length; c++) {
            variance[c] *= (float) ((double) count / Math.max(1, count - 1)); // the running one is unbiased
        }
        seen.add(this, n.mean().toFloats(), variance);
        return n.y();
    }

    int channels() {
        return weight.size();
    }

    /** Moves the running statistics by those of a batch: {@code r = 0.9 r + 0.1 b}. */
    void move(float[] mean, float[] variance) {
        move(runningMean, mean);
        move(runningVariance, variance);
        batches.write(new float[] {batches.toFloats()[0] + 1});
    }

    private static void move(Tensor running, float[] batch) {
        float[] values = running.toFloats();
        for (int c = 0; c < values.length; c++) {
            values[c] = (1 - MOMENTUM) * values[c] + MOMENTUM * batch[c];
        }
        running.write(values);
    }
}
