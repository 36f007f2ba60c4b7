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

    private static Mamba2Config.Builder mamba2() {
        return Mamba2Config.builder(D).dState(8).headDim(4);
    }

    private static AimConfig.Builder with(SsmConfig ssm) {
        return AimConfig.builder(D).nLayer(2).vocabSize(VOCAB).numClasses(CLASSES).numTokens(TOKENS).ssm(ssm);
    }

    private static AimConfig.Builder plain() {
        return with(mamba2().build());
    }

    /** Configurations by what is special about them. */
    public static Map<String, AimConfig> configs() {
        Map<String, AimConfig.Builder> all = new LinkedHashMap<>();
        all.put("Mamba-2", plain());
        all.put("adaLN-group", plain().nLayer(3).groups(2));
        all.put("adaLN-single and MLP", plain().groups(1).dIntermediate(20));
        all.put("ngroups 2", with(mamba2().nGroups(2).build()));
        all.put("d_ssm below d_inner", with(mamba2().dSsm(20).build()));
        all.put("D_has_hdim", with(mamba2().perChannelD(true).build()));
        all.put("no norm in the mixer", with(mamba2().rmsNorm(false).build()));
        all.put("norm_before_gate", with(mamba2().nGroups(2).normBeforeGate(true).build()));
        all.put("dt_limit", with(mamba2().dtLimit(0.02f, 0.3f).build()));
        all.put("bias, no conv_bias", with(mamba2().bias(true).convBias(false).build()));
        all.put("Mamba-1", with(Mamba1Config.builder(D).dState(5).dConv(3).dtRank(2).build()));
        all.put(
                "Mamba-1, bias, no conv_bias",
                with(Mamba1Config.builder(D)
                        .dState(4)
                        .expand(1)
                        .dtRank(1)
                        .dtConstant(true)
                        .bias(true)
                        .convBias(false)
                        .build()));
        all.put("MLP", plain().dIntermediate(24));
        all.put("attention", plain().attention(AttentionConfig.of(D, 4), List.of(1)));
        all.put(
                "grouped-query attention first, LayerNorm, MLP, untied",
                plain().dIntermediate(24)
                        .attention(new AttentionConfig(D, 4, 2, 6, true, false), List.of(0))
                        .rmsNorm(false)
                        .tieEmbeddings(false));
        Map<String, AimConfig> built = new LinkedHashMap<>();
        all.forEach((name, config) -> built.put(name, config.build()));
        return built;
    }

    /** A wide enough model that work is divided among threads. */
    public static AimConfig wide() {
        Mamba2Config ssm = Mamba2Config.builder(64).dState(16).headDim(16).nGroups(2).build();
        return AimConfig.builder(64)
                .dIntermediate(96)
                .nLayer(3)
                .vocabSize(256)
                .numClasses(CLASSES)
                .numTokens(150)
                .ssm(ssm)
                .attention(new AttentionConfig(64, 4, 2, 16, true, true), List.of(1))
                .groups(2)
                .build();
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
