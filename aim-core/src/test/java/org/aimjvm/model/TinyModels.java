package org.aimjvm.model;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.nn.AttentionConfig;
import org.aimjvm.nn.Params;
import org.aimjvm.ssm.Mamba1Config;
import org.aimjvm.ssm.Mamba2Config;
import org.aimjvm.ssm.SsmConfig;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;

/** Small models that between them use every argument of the architecture, with weights far from their start. */
public final class TinyModels {
    /** Longer than the chunks of the scan, so that splits fall inside and between them. */
    static final int TOKENS = 81;

    static final int VOCAB = 23;
    static final int CLASSES = 5;
    private static final int D = 16;

    /** A model with the parameters it was built on. */
    record Built(AimModel model, Params params) {
        /** Logits (batch, L, V) of a pass over whole sequences. */
        float[] logits(int[] labels, int[] tokens) {
            Backend backend = model.backend();
            int batch = labels.length;
            try (Scope _ = Scope.inference()) {
                Conditioning c = model.condition(Tensor.ofInts(backend, Shape.of(batch), labels));
                int count = tokens.length / batch;
                Tensor t = count == 0 ? null : Tensor.ofInts(backend, Shape.of(batch, count), tokens);
                return model.forward(c, t, null).toFloats();
            }
        }
    }

    private TinyModels() {}

    private static Mamba2Config mamba2() {
        return mamba2(1, 0, false, true, false, Float.POSITIVE_INFINITY, false, true);
    }

    private static Mamba2Config mamba2(
            int groups, int dSsm, boolean perChannelD, boolean rmsNorm, boolean normBeforeGate, float dtLimit,
            boolean bias,
            boolean convBias) {
        return new Mamba2Config(
                D, 8, 4, 2, 4, groups, dSsm, perChannelD, rmsNorm, normBeforeGate, 1, 16, 0.001, 0.1, 1e-4,
                Float.isInfinite(dtLimit) ? 0 : 0.02f, dtLimit, bias, convBias, Double.NaN);
    }

    private static AimConfig config(SsmConfig ssm) {
        return new AimConfig(
                D, 0, 2, VOCAB, CLASSES, TOKENS, ssm, null, List.of(), true, true, false, 1, 0, 0, 0);
    }

    private static AimConfig grouped(AimConfig c, int layers, int groups, int mlp) {
        return new AimConfig(
                D, mlp, layers, VOCAB, CLASSES, TOKENS, c.ssm(), null, List.of(), true, true, true, groups, 0, 0, 0);
    }

    private static AimConfig with(AimConfig c, int mlp, AttentionConfig attention, List<Integer> layers, boolean rms,
            boolean tied) {
        return new AimConfig(
                D, mlp, c.nLayer(), VOCAB, CLASSES, TOKENS, c.ssm(), attention, layers, rms, tied, false, 1, 0, 0, 0);
    }

    /** Configurations by what is special about them. */
    public static Map<String, AimConfig> configs() {
        Map<String, AimConfig> all = new LinkedHashMap<>();
        AimConfig plain = config(mamba2());
        all.put("Mamba-2", plain);
        all.put("adaLN-group", grouped(plain, 3, 2, 0));
        all.put("adaLN-single and MLP", grouped(plain, 2, 1, 20));
        all.put("ngroups 2", config(mamba2(2, 0, false, true, false, Float.POSITIVE_INFINITY, false, true)));
        all.put("d_ssm below d_inner", config(mamba2(1, 20, false, true, false, Float.POSITIVE_INFINITY, false, true)));
        all.put("D_has_hdim", config(mamba2(1, 0, true, true, false, Float.POSITIVE_INFINITY, false, true)));
        all.put("no norm in the mixer",
                config(mamba2(1, 0, false, false, false, Float.POSITIVE_INFINITY, false, true)));
        all.put("norm_before_gate", config(mamba2(2, 0, false, true, true, Float.POSITIVE_INFINITY, false, true)));
        all.put("dt_limit", config(mamba2(1, 0, false, true, false, 0.3f, false, true)));
        all.put("bias, no conv_bias", config(mamba2(1, 0, false, true, false, Float.POSITIVE_INFINITY, true, false)));
        all.put("Mamba-1", config(new Mamba1Config(D, 5, 3, 2, 2, 0.001, 0.1, 1e-4, 1, false, false, true)));
        all.put("Mamba-1, bias, no conv_bias",
                config(new Mamba1Config(D, 4, 4, 1, 1, 0.001, 0.1, 1e-4, 1, true, true, false)));
        all.put("MLP", with(plain, 24, null, List.of(), true, true));
        all.put("attention", with(plain, 0, AttentionConfig.of(D, 4), List.of(1), true, true));
        all.put(
                "grouped-query attention first, LayerNorm, MLP, untied",
                with(plain, 24, new AttentionConfig(D, 4, 2, 6, true, false), List.of(0), false, false));
        return all;
    }

    /** A wide enough model that work is divided among threads. */
    public static AimConfig wide() {
        Mamba2Config ssm = new Mamba2Config(
                64, 16, 4, 2, 16, 2, 0, false, true, false, 1, 16, 0.001, 0.1, 1e-4, 0, Float.POSITIVE_INFINITY, false,
                true,
                Double.NaN);
        return new AimConfig(
                64, 96, 3, 256, CLASSES, 150, ssm, new AttentionConfig(64, 4, 2, 16, true, true), List.of(1), true,
                true, true, 2, 0,
                0, 0);
    }

    /** A model whose every weight is moved at random: adaLN starts at zero, which would hide what it multiplies. */
    static Built build(AimConfig config, Backend backend) {
        Params params = Params.random(backend, 20240812);
        AimModel model = new AimModel(params.sub(AimModel.NAME), config, PositionRule.SEQUENCE_INDEX);
        SplittableRandom random = new SplittableRandom(7);
        for (Tensor p : params.trainable().values()) {
            float[] values = p.toFloats();
            for (int i = 0; i < values.length; i++) {
                values[i] += (float) random.nextDouble(-0.3, 0.3);
            }
            p.write(values);
        }
        return new Built(model, params);
    }

    /** {@code count} numbers below {@code bound}. */
    static int[] ints(int count, int bound, long seed) {
        return new SplittableRandom(seed).ints(count, 0, bound).toArray();
    }

    /** {@code count} labels of which the last is the null class. */
    static int[] labels(int count) {
        int[] labels = ints(count, CLASSES, 3);
        labels[count - 1] = CLASSES;
        return labels;
    }
}
