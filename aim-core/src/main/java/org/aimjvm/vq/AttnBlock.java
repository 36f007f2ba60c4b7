package org.aimjvm.vq;

import java.util.Arrays;
import org.aimjvm.nn.Conv2d;
import org.aimjvm.nn.GroupNorm;
import org.aimjvm.nn.Params;
import org.aimjvm.op.elementwise.ArithmeticOp;
import org.aimjvm.op.elementwise.SplitOp;
import org.aimjvm.op.gemm.MatMulOp;
import org.aimjvm.op.softmax.SoftmaxOp;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;

/**
 * Single-head self-attention over all positions: {@code x + proj_out(V softmax(Q^T K / sqrt(C)))}.
 *
 * <p>The scores of a large picture are made and used up in blocks of queries, so that memory grows with the number of
 * positions and not with its square. Gradients need all scores: training is bounded by them.
 */
public final class AttnBlock {
    /** Scores held at a time, 256 MB: all of a picture of up to 8,192 positions (1,448x1,448 pixels of VQ-f16). */
    private static final int MAX_SCORES = 1 << 26;

    private final GroupNorm norm;
    private final Conv2d q;
    private final Conv2d k;
    private final Conv2d v;
    private final Conv2d projOut;

    public AttnBlock(Params params, int channels, VqConfig config) {
        Params last = params.sub("proj_out");
        this.norm = new GroupNorm(params.sub("norm"), channels, config.normGroups(), config.normEps());
        this.q = Conv2d.conv1(params.sub("q"), channels, channels);
        this.k = Conv2d.conv1(params.sub("k"), channels, channels);
        this.v = Conv2d.conv1(params.sub("v"), channels, channels);
        this.projOut = Conv2d.conv1(last.as(VqRole.endOfAttention(params.role())), channels, channels);
    }

    /** (batch, C, height, width), shape kept. */
    public Tensor forward(Tensor x) {
        int batch = x.dim(0);
        int channels = x.dim(1);
        int area = x.dim(2) * x.dim(3);
        Tensor n = norm.forward(x);
        Tensor queries = q.forward(n).reshape(batch, channels, area);
        Tensor keys = k.forward(n).reshape(batch, channels, area);
        Tensor values = v.forward(n).reshape(batch, channels, area);
        Tensor mixed = attend(queries, keys, values, MAX_SCORES); // (batch, C, area)
        return ArithmeticOp.add(x, projOut.forward(mixed.reshape(x.shape())));
    }

    /**
     * {@code V softmax(Q^T K / sqrt(C))}.
     *
     * @param queries (batch, C, area), as keys and values
     * @param maxScores scores made at a time, but at least those of one query of each sequence
     */
    static Tensor attend(Tensor queries, Tensor keys, Tensor values, int maxScores) {
        int area = queries.dim(2);
        int block = Math.clamp(maxScores / ((long) queries.dim(0) * area), 1, area);
        if (block == area) {
            return attendAll(queries, keys, values);
        }
        int[] sizes = new int[(area + block - 1) / block];
        Arrays.fill(sizes, block);
        sizes[sizes.length - 1] = area - (sizes.length - 1) * block;
        Tensor[] blocks = SplitOp.split(queries, sizes);
        for (int i = 0; i < blocks.length; i++) {
            blocks[i] = attendWithin(blocks[i], keys, values);
        }
        return SplitOp.concat(blocks);
    }

    /** {@link #attendAll}, whose scores are given back at once where no gradient will need them. */
    private static Tensor attendWithin(Tensor queries, Tensor keys, Tensor values) {
        if (Scope.tracksGradients()) {
            return attendAll(queries, keys, values);
        }
        try (Scope scope = Scope.inference()) {
            return scope.keep(attendAll(queries, keys, values));
        }
    }

    private static Tensor attendAll(Tensor queries, Tensor keys, Tensor values) {
        Tensor scores = MatMulOp.matmul(queries, keys, true, false); // (batch, queries, area)
        Tensor weights = SoftmaxOp.softmax(scores, (float) (1 / Math.sqrt(queries.dim(1))));
        return MatMulOp.matmul(values, weights, false, true); // (batch, C, queries)
    }
}
