package org.aimjvm.ssm;

/**
 * Arguments of a Mamba-1 mixer; names of the checkpoint's {@code ssm_cfg} keys in parentheses. Made by name:
 * {@code Mamba1Config.builder(768).dState(8).build()}.
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

    /** ceil(dModel / 16). */
    private static int defaultDtRank(int dModel) {
        return (dModel + 15) / 16;
    }

    /** Channels after expansion: expand * dModel. */
    public int dInner() {
        return expand * dModel;
    }

    /** Makes a configuration by name; what is not named keeps its default. */
    public static final class Builder {
        private final int dModel;
        private int dState = 16;
        private int dConv = 4;
        private int expand = 2;
        private int dtRank;
        private double dtMin = 0.001;
        private double dtMax = 0.1;
        private double dtInitFloor = 1e-4;
        private double dtScale = 1;
        private boolean dtConstant;
        private boolean bias;
        private boolean convBias = true;

        private Builder(int dModel) {
            this.dModel = dModel;
            this.dtRank = defaultDtRank(dModel);
        }

        private Builder(Mamba1Config c) {
            this.dModel = c.dModel;
            this.dState = c.dState;
            this.dConv = c.dConv;
            this.expand = c.expand;
            this.dtRank = c.dtRank;
            this.dtMin = c.dtMin;
            this.dtMax = c.dtMax;
            this.dtInitFloor = c.dtInitFloor;
            this.dtScale = c.dtScale;
            this.dtConstant = c.dtConstant;
            this.bias = c.bias;
            this.convBias = c.convBias;
        }

        /** Sets {@link Mamba1Config#dState}. */
        public Builder dState(int value) {
            dState = value;
            return this;
        }

        /** Sets {@link Mamba1Config#dConv}. */
        public Builder dConv(int value) {
            dConv = value;
            return this;
        }

        /** Sets {@link Mamba1Config#expand}. */
        public Builder expand(int value) {
            expand = value;
            return this;
        }

        /** Sets {@link Mamba1Config#dtRank}. */
        public Builder dtRank(int value) {
            dtRank = value;
            return this;
        }

        /** Sets {@link Mamba1Config#dtMin}. */
        public Builder dtMin(double value) {
            dtMin = value;
            return this;
        }

        /** Sets {@link Mamba1Config#dtMax}. */
        public Builder dtMax(double value) {
            dtMax = value;
            return this;
        }

        /** Sets {@link Mamba1Config#dtInitFloor}. */
        public Builder dtInitFloor(double value) {
            dtInitFloor = value;
            return this;
        }

        /** Sets {@link Mamba1Config#dtScale}. */
        public Builder dtScale(double value) {
            dtScale = value;
            return this;
        }

        /** Sets {@link Mamba1Config#dtConstant}. */
        public Builder dtConstant(boolean value) {
            dtConstant = value;
            return this;
        }

        /** Sets {@link Mamba1Config#bias}. */
        public Builder bias(boolean value) {
            bias = value;
            return this;
        }

        /** Sets {@link Mamba1Config#convBias}. */
        public Builder convBias(boolean value) {
            convBias = value;
            return this;
        }

        /**
         * The configuration.
         *
         * @throws IllegalArgumentException naming what does not fit
         */
        public Mamba1Config build() {
            return new Mamba1Config(
                    dModel, dState, dConv, expand, dtRank, dtMin, dtMax, dtInitFloor, dtScale, dtConstant, bias,
                    convBias);
        }
    }
}
