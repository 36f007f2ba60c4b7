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
 * A sequence model and a tokenizer that make a picture in milliseconds, with weights far from their start: 4 x 4 codes
 * to 8 x 8 pixels.
 */
public record TinyAim(AimModel model, VqModel tokenizer, Params params) {
    public static final int CLASSES = 5;
    public static final int VOCAB = 23;
    public static final int SIDE = 4;
    public static final int TOKENS = SIDE * SIDE;
    private static final int D = 16;

    /** Mamba-2 with adaLN. */
    public static AimConfig plain() {
        return AimConfig.builder(D).nLayer(2).vocabSize(VOCAB).numClasses(CLASSES).numTokens(TOKENS).ssm(ssm()).build();
    }

    /** Everything else: adaLN-group, attention, an MLP, an untied head. */
    public static AimConfig hybrid() {
        return AimConfig.builder(D)
                .dIntermediate(20)
                .nLayer(3)
                .vocabSize(VOCAB)
                .numClasses(CLASSES)
                .numTokens(TOKENS)
                .ssm(ssm())
                .attention(AttentionConfig.of(D, 4), List.of(1))
                .tieEmbeddings(false)
                .groups(2)
                .build();
    }

    private static Mamba2Config ssm() {
        return Mamba2Config.builder(D).dState(8).headDim(4).build();
    }

    /** A tokenizer of pictures twice the size of their codes. */
    public static VqConfig vq(int channels) {
        return VqConfig.builder()
                .ch(4)
                .chMult(List.of(1, 2))
                .numResBlocks(1)
                .zChannels(4)
                .nEmbed(VOCAB)
                .embedDim(4)
                .channels(channels, channels)
                .normGroups(2)
                .build();
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
