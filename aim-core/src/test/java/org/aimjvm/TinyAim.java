package org.aimjvm;

import java.util.List;
import java.util.SplittableRandom;
import org.aimjvm.backend.Backend;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.PositionRule;
import org.aimjvm.nn.AttentionConfig;
import org.aimjvm.nn.Params;
import org.aimjvm.ssm.Mamba2Config;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;

/**
 * A sequence model and a tokenizer that make a picture in milliseconds, with weights far from their start: 4 x 4 codes to
 * 8 x 8 pixels.
 */
public record TinyAim(AimModel model, VqModel tokenizer, Params params) {
    public static final int CLASSES = 5;
    public static final int VOCAB = 23;
    public static final int SIDE = 4;
    public static final int TOKENS = SIDE * SIDE;
    private static final int D = 16;

    /** Mamba-2 with adaLN. */
    public static AimConfig plain() {
        return new AimConfig(
                D, 0, 2, VOCAB, CLASSES, TOKENS, ssm(), null, List.of(), true, true, false, 1, 0, 0, 0);
    }

    /** Everything else: adaLN-group, attention, an MLP, an untied head. */
    public static AimConfig hybrid() {
        return new AimConfig(
                D, 20, 3, VOCAB, CLASSES, TOKENS, ssm(), AttentionConfig.of(D, 4), List.of(1), true, false, true, 2, 0,
                0, 0);
    }

    private static Mamba2Config ssm() {
        return new Mamba2Config(
                D, 8, 4, 2, 4, 1, 0, false, true, false, 1, 16, 0.001, 0.1, 1e-4, 0, Float.POSITIVE_INFINITY, false,
                true, Double.NaN);
    }

    /** A tokenizer of pictures twice the size of their codes. */
    public static VqConfig vq(int channels) {
        return new VqConfig(4, List.of(1, 2), 1, 4, VOCAB, 4, channels, channels, 2, 1e-6f, true, 0.25f, 0);
    }

    /** Both models, every weight moved at random: adaLN starts at zero, which would hide what it multiplies. */
    public static TinyAim of(AimConfig config, VqConfig vq, Backend backend) {
        Params params = Params.random(backend, 20240812);
        AimModel model = new AimModel(params.sub(AimModel.NAME), config, PositionRule.SEQUENCE_INDEX);
        VqModel tokenizer = new VqModel(params.sub(VqModel.NAME), vq);
        SplittableRandom random = new SplittableRandom(7);
        for (Tensor p : params.trainable().values()) {
            float[] values = p.toFloats();
            for (int i = 0; i < values.length; i++) {
                values[i] += (float) random.nextDouble(-0.3, 0.3);
            }
            p.write(values);
        }
        return new TinyAim(model, tokenizer, params);
    }

    /** The plain one. */
    public static TinyAim of(Backend backend) {
        return of(plain(), vq(3), backend);
    }
}
