package org.aimjvm.ssm;

import static org.aimjvm.op.elementwise.ArithmeticOp.mul;
import static org.aimjvm.op.elementwise.PointwiseOp.silu;

import org.aimjvm.backend.Shape;
import org.aimjvm.backend.StateFormat;
import org.aimjvm.nn.Init;
import org.aimjvm.nn.Linear;
import org.aimjvm.nn.Mixer;
import org.aimjvm.nn.MixerState;
import org.aimjvm.nn.Params;
import org.aimjvm.op.elementwise.SplitOp;
import org.aimjvm.op.gemm.LinearOp;
import org.aimjvm.op.norm.NormedSum;
import org.aimjvm.op.ssm.LinearConvOp;
import org.aimjvm.op.ssm.SelectiveScanOp;
import org.aimjvm.tensor.Tensor;

/**
 * The Mamba-1 mixer (Gu and Dao 2023, section 3.4):
 *
 * <pre>
 * [x | z] = in_proj u;  x = silu(conv1d(x));  [dt | B | C] = x_proj x
 * y = selective scan(x, softplus(dt_proj dt), A = -exp(A_log), B, C) + D x
 * out = out_proj(y * silu(z))
 * </pre>
 */
public final class Mamba1 implements Mixer {
    private final Mamba1Config config;
    private final Params params;
    private final Linear inProj;
    private final Tensor convWeight; // (dInner, 1, dConv)
    private final Tensor convBias; // (dInner)
    private final Linear xProj;
    private final Linear dtProj;
    private final Tensor aLog; // (dInner, N)
    private final Tensor d; // (dInner)
    private final Linear outProj;

    /** @param outDivisor divides the initial {@code out_proj} weights: sqrt(number of layers) */
    public Mamba1(Params params, Mamba1Config config, double outDivisor) {
        this.config = config;
        this.params = params;
        int inner = config.dInner();
        int rank = config.dtRank();
        double dtBound = config.dtScale() / Math.sqrt(rank);
        this.inProj = new Linear(params.sub("in_proj"), config.dModel(), 2 * inner, config.bias());
        this.convWeight = params.get("conv1d.weight", Shape.of(inner, 1, config.dConv()), Init.fanIn(config.dConv()));
        this.convBias =
                config.convBias() ? params.get("conv1d.bias", Shape.of(inner), Init.fanIn(config.dConv())) : null;
        this.xProj = new Linear(params.sub("x_proj"), inner, rank + 2 * config.dState(), false);
        this.dtProj = new Linear(
                params.sub("dt_proj"),
                rank,
                inner,
                config.dtConstant() ? Init.constant((float) dtBound) : Init.uniform(dtBound),
                Init.inverseSoftplusStep(config.dtMin(), config.dtMax(), config.dtInitFloor()));
        this.aLog = params.get("A_log", Shape.of(inner, config.dState()), Init.logArange());
        this.d = params.get("D", Shape.of(inner), Init.ones());
        this.outProj = new Linear(
                params.sub("out_proj"),
                inner,
                config.dModel(),
                config.bias(),
                Init.scaled(Init.fanIn(inner), outDivisor));
    }

    @Override
    public Tensor forward(NormedSum u, MixerState state) {
        SsmState s = (SsmState) state;
        int inner = config.dInner();
        Tensor[] xz = LinearConvOp.linearConv(
                u, inProj.weight(), inProj.bias(), new int[] {inner, inner}, 0, convWeight, convBias,
                s == null ? null : s.conv(), true);
        Tensor x = xz[0];
        Tensor[] dtBc = SplitOp.split(xProj.forward(x), config.dtRank(), config.dState(), config.dState());
        Tensor delta = LinearOp.linear(dtBc[0], dtProj.weight(), null); // its bias is added inside the scan
        Tensor y = SelectiveScanOp.selectiveScan(
                x, delta, dtProj.bias(), aLog, dtBc[1], dtBc[2], d, s == null ? null : s.ssm());
        return outProj.forward(mul(y, silu(xz[1])));
    }

    @Override
    public SsmState newState(int batch, int maxLength, StateFormat format) {
        if (format != StateFormat.F32) {
            throw new IllegalArgumentException(
                    "states: " + format + ", expected f32 (only the states of Mamba-2 can be held in fewer bits)");
        }
        return SsmState.zeros(
                params.backend(),
                Shape.of(batch, config.dInner(), config.dConv()),
                Shape.of(batch, config.dInner(), config.dState()),
                format);
    }
}
