package org.aimjvm.ssm;

import static org.aimjvm.op.elementwise.ArithmeticOp.mul;
import static org.aimjvm.op.elementwise.PointwiseOp.silu;

import org.aimjvm.backend.Shape;
import org.aimjvm.backend.SsdSettings;
import org.aimjvm.backend.StateFormat;
import org.aimjvm.nn.Init;
import org.aimjvm.nn.Linear;
import org.aimjvm.nn.Mixer;
import org.aimjvm.nn.MixerState;
import org.aimjvm.nn.Params;
import org.aimjvm.op.elementwise.SplitOp;
import org.aimjvm.op.norm.GatedRmsNormOp;
import org.aimjvm.op.norm.NormedSum;
import org.aimjvm.op.ssm.GatedNormLinearOp;
import org.aimjvm.op.ssm.LinearConvOp;
import org.aimjvm.op.ssm.SsdScanOp;
import org.aimjvm.tensor.Tensor;

/**
 * The Mamba-2 mixer (Dao and Gu 2024, section 7):
 *
 * <pre>
 * [z | x | B | C | dt] = in_proj u
 * [x | B | C] = silu(conv1d([x | B | C]))
 * y = SSD(x, B, C, softplus(dt + dt_bias), A = -exp(A_log)) + D x
 * out = out_proj(RMSNorm(y * silu(z)))
 * </pre>
 */
public final class Mamba2 implements Mixer {
    private static final float EPS = 1e-5f;

    private final Mamba2Config config;
    private final Params params;
    private final Linear inProj;
    private final Tensor convWeight; // (convDim, 1, dConv)
    private final Tensor convBias; // (convDim)
    private final Tensor dtBias; // (H)
    private final Tensor aLog; // (H)
    private final Tensor d; // (H), or (H*P)
    private final Tensor normWeight; // (ssmDim)
    private final Linear outProj;
    private final SsdSettings settings;

    /** @param outDivisor divides the initial {@code out_proj} weights: sqrt(number of layers) */
    public Mamba2(Params params, Mamba2Config config, double outDivisor) {
        this.config = config;
        this.params = params;
        int heads = config.nHeads();
        Init convInit = Double.isNaN(config.convInit()) ? Init.fanIn(config.dConv()) : Init.uniform(config.convInit());
        int projected = 2 * config.mlpDim() + config.ssmDim() + config.convDim() + heads;
        this.inProj = new Linear(params.sub("in_proj"), config.dModel(), projected, config.bias());
        this.convWeight = params.get("conv1d.weight", Shape.of(config.convDim(), 1, config.dConv()), convInit);
        this.convBias = config.convBias()
                ? params.get("conv1d.bias", Shape.of(config.convDim()), Init.fanIn(config.dConv()))
                : null;
        this.dtBias = params.get(
                "dt_bias",
                Shape.of(heads),
                Init.inverseSoftplusStep(config.dtMin(), config.dtMax(), config.dtInitFloor()));
        this.aLog = params.get("A_log", Shape.of(heads), Init.logUniformValues(config.aInitMin(), config.aInitMax()));
        this.d = params.get("D", Shape.of(config.perChannelD() ? config.ssmDim() : heads), Init.ones());
        this.normWeight =
                config.rmsNorm() ? params.get("norm.weight", Shape.of(config.ssmDim()), Init.ones()) : null;
        this.outProj = new Linear(
                params.sub("out_proj"),
                config.dInner(),
                config.dModel(),
                config.bias(),
                Init.scaled(Init.fanIn(config.dInner()), outDivisor));
        this.settings = new SsdSettings(
                heads, config.headDim(), config.nGroups(), config.dState(), config.dtLimitMin(), config.dtLimitMax());
    }

    @Override
    public Tensor forward(NormedSum u, MixerState state) {
        SsmState s = (SsmState) state;
        int mlp = config.mlpDim();
        int[] sizes = mlp == 0
                ? new int[] {config.ssmDim(), config.convDim(), config.nHeads()}
                : new int[] {mlp, mlp, config.ssmDim(), config.convDim(), config.nHeads()};
        int at = sizes.length - 2;
        Tensor[] parts = LinearConvOp.linearConv( // (batch, L, [z0 | x0 |] z | xBC | dt)
                u, inProj.weight(), inProj.bias(), sizes, at, convWeight, convBias, s == null ? null : s.conv(), true);
        Tensor z = parts[at - 1]; // (batch, L, H*P)
        Tensor xbc = parts[at];
        Tensor dt = parts[at + 1]; // (batch, L, H)
        Tensor y = SsdScanOp.ssdScan(
                xbc,
                dt,
                dtBias,
                aLog,
                config.perChannelD() ? d.reshape(config.nHeads(), config.headDim()) : d,
                s == null ? null : s.ssm(),
                settings); // (batch, L, H*P)
        if (normWeight != null && mlp == 0) {
            return GatedNormLinearOp.gatedNormLinear(
                    y, z, normWeight, config.nGroups(), config.normBeforeGate(), EPS, outProj.weight(), outProj.bias());
        }
        Tensor gated = normWeight == null
                ? mul(y, silu(z))
                : GatedRmsNormOp.gatedRmsNorm(y, z, normWeight, config.nGroups(), config.normBeforeGate(), EPS);
        return outProj.forward(mlp == 0 ? gated : SplitOp.concat(mul(silu(parts[0]), parts[1]), gated));
    }

    @Override
    public SsmState newState(int batch, int maxLength, StateFormat format) {
        return SsmState.zeros(
                params.backend(),
                Shape.of(batch, config.convDim(), config.dConv()),
                Shape.of(batch, config.nHeads(), config.headDim(), config.dState()),
                format);
    }
}
