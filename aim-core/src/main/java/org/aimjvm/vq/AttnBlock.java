package org.aimjvm.vq;

import org.aimjvm.nn.Conv2d;
import org.aimjvm.nn.GroupNorm;
import org.aimjvm.nn.Params;
import org.aimjvm.op.elementwise.ArithmeticOp;
import org.aimjvm.op.gemm.MatMulOp;
import org.aimjvm.op.softmax.SoftmaxOp;
import org.aimjvm.tensor.Tensor;

/** Single-head self-attention over all positions: {@code x + proj_out(V softmax(Q^T K / sqrt(C)))}. */
public final class AttnBlock {
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
        Tensor scores = MatMulOp.matmul(queries, keys, true, false); // (batch, area of queries, area of keys)
        Tensor weights = SoftmaxOp.softmax(scores, (float) (1 / Math.sqrt(channels)));
        Tensor mixed = MatMulOp.matmul(values, weights, false, true); // (batch, C, area)
        return ArithmeticOp.add(x, projOut.forward(mixed.reshape(x.shape())));
    }
}
