package org.aimjvm.ssm;

/**
 * Arguments of a Mamba-1 mixer; names of the checkpoint's {@code ssm_cfg} keys in parentheses.
 *
 * @param dModel input and output channels
 * @param dState N (d_state)
 * @param dConv width of the causal convolution (d_conv)
 * @param expand dInner / dModel (expand)
 * @param dtRank rank of the step projection; ceil(dModel / 16) by default (dt_rank)
 * @param dtMin least starting step (dt_min)
 * @param dtMax greatest starting step (dt_max)
 * @param dtInitFloor floor of the starting step (dt_init_floor)
 * @param dtScale factor of the starting step projection (dt_scale)
 * @param dtConstant whether that projection starts constant instead of uniform (dt_init)
 * @param bias whether the projections have a bias (bias)
 * @param convBias whether the convolution has one (conv_bias)
 */
public record Mamba1Config(
        int dModel,
        int dState,
        int dConv,
        int expand,
        int dtRank,
        double dtMin,
        double dtMax,
        double dtInitFloor,
        double dtScale,
        boolean dtConstant,
        boolean bias,
        boolean convBias) implements SsmConfig {

    /** @throws IllegalArgumentException naming the argument that does not fit */
    public Mamba1Config {
        require(dModel > 0, "d_model", dModel, "a positive number");
        require(dState > 0 && dState <= 1 << 16, "d_state", dState, "1 to 65536");
        require(dConv > 0 && dConv <= 1 << 16, "d_conv", dConv, "1 to 65536");
        require(expand > 0 && (long) expand * dModel < 1 << 24, "expand", expand, "a positive number");
        require(dtRank > 0 && dtRank <= 1 << 16, "dt_rank", dtRank, "a positive number of at most 65536");
        require(dtMin > 0 && dtMin <= dtMax, "dt_min", dtMin, "0 < dt_min <= dt_max");
    }

    private static void require(boolean ok, String key, Object got, String expected) {
        if (!ok) {
            throw new IllegalArgumentException("ssm_cfg." + key + ": " + got + " (expected " + expected + ")");
        }
    }

    /** The defaults of the original code: d_state 16, d_conv 4, expand 2, dt_rank ceil(dModel / 16). */
    public static Mamba1Config of(int dModel) {
        return new Mamba1Config(dModel, 16, 4, 2, defaultDtRank(dModel), 0.001, 0.1, 1e-4, 1, false, false, true);
    }

    /** ceil(dModel / 16). */
    public static int defaultDtRank(int dModel) {
        return (dModel + 15) / 16;
    }

    /** Channels after expansion: expand * dModel. */
    public int dInner() {
        return expand * dModel;
    }
}
