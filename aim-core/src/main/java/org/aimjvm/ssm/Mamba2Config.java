package org.aimjvm.ssm;

/**
 * Arguments of a Mamba-2 mixer; names of the checkpoint's {@code ssm_cfg} keys in parentheses. Made by name:
 * {@code Mamba2Config.builder(768).headDim(32).build()}.
 *
 * @param dModel input and output channels
 * @param dState N (d_state)
 * @param dConv width of the causal convolution (d_conv)
 * @param expand dInner / dModel (expand)
 * @param headDim P (headdim)
 * @param nGroups G, groups that share B and C (ngroups)
 * @param dSsm channels that pass through the recurrence, the others through a gated MLP; 0 for all (d_ssm)
 * @param perChannelD whether D has one value per channel instead of one per head (D_has_hdim)
 * @param rmsNorm whether the output is normalised before the projection (rmsnorm)
 * @param normBeforeGate whether that norm comes before the gate (norm_before_gate)
 * @param aInitMin least starting value of -A (A_init_range)
 * @param aInitMax greatest starting value of -A
 * @param dtMin least starting step (dt_min)
 * @param dtMax greatest starting step (dt_max)
 * @param dtInitFloor floor of the starting step (dt_init_floor)
 * @param dtLimitMin lower clamp of the step (dt_limit)
 * @param dtLimitMax upper clamp of the step, infinite for none
 * @param bias whether the projections have a bias (bias)
 * @param convBias whether the convolution has one (conv_bias)
 * @param convInit half-width of the uniform start of the convolution, NaN for 1/sqrt(dConv) (conv_init)
 */
public record Mamba2Config(
        int dModel,
        int dState,
        int dConv,
        int expand,
        int headDim,
        int nGroups,
        int dSsm,
        boolean perChannelD,
        boolean rmsNorm,
        boolean normBeforeGate,
        double aInitMin,
        double aInitMax,
        double dtMin,
        double dtMax,
        double dtInitFloor,
        float dtLimitMin,
        float dtLimitMax,
        boolean bias,
        boolean convBias,
        double convInit) implements SsmConfig {

    /** @throws IllegalArgumentException naming the argument that does not fit */
    public Mamba2Config {
        require(dModel > 0, "d_model", dModel, "a positive number");
        require(dState > 0 && dState <= 1 << 16, "d_state", dState, "1 to 65536");
        require(dConv > 0 && dConv <= 1 << 16, "d_conv", dConv, "1 to 65536");
        require(expand > 0 && (long) expand * dModel < 1 << 24, "expand", expand, "a positive number");
        require(dSsm >= 0 && dSsm <= expand * dModel, "d_ssm", dSsm, "0 to d_inner " + expand * dModel);
        int inner = dSsm == 0 ? expand * dModel : dSsm;
        require(headDim > 0 && inner % headDim == 0, "headdim", headDim, "a divisor of d_inner " + inner);
        require(nGroups > 0 && inner / headDim % nGroups == 0, "ngroups", nGroups,
                "a divisor of the " + inner / headDim + " heads");
        require((long) nGroups * dState <= 1 << 24, "ngroups", nGroups,
                "at most " + (1 << 24) / dState + " with d_state " + dState);
        require(aInitMin > 0 && aInitMin <= aInitMax && aInitMax < Double.POSITIVE_INFINITY, "A_init_range", aInitMin,
                "0 < min <= max");
        require(dtMin > 0 && dtMin <= dtMax, "dt_min", dtMin, "0 < dt_min <= dt_max");
        require(dtLimitMin >= 0 && dtLimitMin <= dtLimitMax, "dt_limit", dtLimitMin, "0 <= min <= max");
    }

    private static void require(boolean ok, String key, Object got, String expected) {
        if (!ok) {
            throw new IllegalArgumentException("ssm_cfg." + key + ": " + got + " (expected " + expected + ")");
        }
    }

    /** The defaults of the original code: d_state 128, d_conv 4, expand 2, headdim 64, ngroups 1. */
    public static Mamba2Config of(int dModel) {
        return builder(dModel).build();
    }

    /** Starts from the defaults of {@link #of}. */
    public static Builder builder(int dModel) {
        return new Builder(dModel);
    }

    /** Starts from this configuration. */
    public Builder toBuilder() {
        return new Builder(this);
    }

    /** Channels after expansion: expand * dModel. */
    public int dInner() {
        return expand * dModel;
    }

    /** Channels of the recurrence: dSsm, or all of dInner. */
    public int ssmDim() {
        return dSsm == 0 ? dInner() : dSsm;
    }

    /** H. */
    public int nHeads() {
        return ssmDim() / headDim;
    }

    /** Channels of the convolution: [x | B | C]. */
    public int convDim() {
        return ssmDim() + 2 * nGroups * dState;
    }

    /** Channels of the MLP part, two of this width in the projection; 0 unless dSsm is set. */
    public int mlpDim() {
        return dInner() - ssmDim();
    }

    /** Makes a configuration by name; what is not named keeps its default. */
    public static final class Builder {
        private final int dModel;
        private int dState = 128;
        private int dConv = 4;
        private int expand = 2;
        private int headDim = 64;
        private int nGroups = 1;
        private int dSsm;
        private boolean perChannelD;
        private boolean rmsNorm = true;
        private boolean normBeforeGate;
        private double aInitMin = 1;
        private double aInitMax = 16;
        private double dtMin = 0.001;
        private double dtMax = 0.1;
        private double dtInitFloor = 1e-4;
        private float dtLimitMin;
        private float dtLimitMax = Float.POSITIVE_INFINITY;
        private boolean bias;
        private boolean convBias = true;
        private double convInit = Double.NaN;

        private Builder(int dModel) {
            this.dModel = dModel;
        }

        private Builder(Mamba2Config c) {
            this.dModel = c.dModel;
            this.dState = c.dState;
            this.dConv = c.dConv;
            this.expand = c.expand;
            this.headDim = c.headDim;
            this.nGroups = c.nGroups;
            this.dSsm = c.dSsm;
            this.perChannelD = c.perChannelD;
            this.rmsNorm = c.rmsNorm;
            this.normBeforeGate = c.normBeforeGate;
            this.aInitMin = c.aInitMin;
            this.aInitMax = c.aInitMax;
            this.dtMin = c.dtMin;
            this.dtMax = c.dtMax;
            this.dtInitFloor = c.dtInitFloor;
            this.dtLimitMin = c.dtLimitMin;
            this.dtLimitMax = c.dtLimitMax;
            this.bias = c.bias;
            this.convBias = c.convBias;
            this.convInit = c.convInit;
        }

        /** Sets {@link Mamba2Config#dState}. */
        public Builder dState(int value) {
            dState = value;
            return this;
        }

        /** Sets {@link Mamba2Config#dConv}. */
        public Builder dConv(int value) {
            dConv = value;
            return this;
        }

        /** Sets {@link Mamba2Config#expand}. */
        public Builder expand(int value) {
            expand = value;
            return this;
        }

        /** Sets {@link Mamba2Config#headDim}. */
        public Builder headDim(int value) {
            headDim = value;
            return this;
        }

        /** Sets {@link Mamba2Config#nGroups}. */
        public Builder nGroups(int value) {
            nGroups = value;
            return this;
        }

        /** Sets {@link Mamba2Config#dSsm}. */
        public Builder dSsm(int value) {
            dSsm = value;
            return this;
        }

        /** Sets {@link Mamba2Config#perChannelD}. */
        public Builder perChannelD(boolean value) {
            perChannelD = value;
            return this;
        }

        /** Sets {@link Mamba2Config#rmsNorm}. */
        public Builder rmsNorm(boolean value) {
            rmsNorm = value;
            return this;
        }

        /** Sets {@link Mamba2Config#normBeforeGate}. */
        public Builder normBeforeGate(boolean value) {
            normBeforeGate = value;
            return this;
        }

        /** Sets {@link Mamba2Config#aInitMin} and {@link Mamba2Config#aInitMax}. */
        public Builder aInit(double newAInitMin, double newAInitMax) {
            aInitMin = newAInitMin;
            aInitMax = newAInitMax;
            return this;
        }

        /** Sets {@link Mamba2Config#dtMin}. */
        public Builder dtMin(double value) {
            dtMin = value;
            return this;
        }

        /** Sets {@link Mamba2Config#dtMax}. */
        public Builder dtMax(double value) {
            dtMax = value;
            return this;
        }

        /** Sets {@link Mamba2Config#dtInitFloor}. */
        public Builder dtInitFloor(double value) {
            dtInitFloor = value;
            return this;
        }

        /** Sets {@link Mamba2Config#dtLimitMin} and {@link Mamba2Config#dtLimitMax}. */
        public Builder dtLimit(float newDtLimitMin, float newDtLimitMax) {
            dtLimitMin = newDtLimitMin;
            dtLimitMax = newDtLimitMax;
            return this;
        }

        /** Sets {@link Mamba2Config#bias}. */
        public Builder bias(boolean value) {
            bias = value;
            return this;
        }

        /** Sets {@link Mamba2Config#convBias}. */
        public Builder convBias(boolean value) {
            convBias = value;
            return this;
        }

        /** Sets {@link Mamba2Config#convInit}. */
        public Builder convInit(double value) {
            convInit = value;
            return this;
        }

        /**
         * The configuration.
         *
         * @throws IllegalArgumentException naming what does not fit
         */
        public Mamba2Config build() {
            return new Mamba2Config(
                    dModel, dState, dConv, expand, headDim, nGroups, dSsm, perChannelD, rmsNorm, normBeforeGate,
                    aInitMin, aInitMax, dtMin, dtMax, dtInitFloor, dtLimitMin, dtLimitMax, bias, convBias, convInit);
        }
    }
}
