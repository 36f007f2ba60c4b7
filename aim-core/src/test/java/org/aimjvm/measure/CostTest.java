package org.aimjvm.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.stream.IntStream;
import org.aimjvm.backend.StateFormat;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimPresets;
import org.aimjvm.nn.AttentionConfig;
import org.aimjvm.vq.VqConfig;
import org.junit.jupiter.api.Test;

/** What works must at least read and compute, against counts made by hand. */
class CostTest {

    @Test
    void aimBReadsItsWeightsAndTwiceItsStates() {
        LmCost c = LmCost.of(AimPresets.get("aim-b"));
        long layer = 3352L * 768 + 768 * 1536 // in_proj, out_proj
                + 1792 * 4 + 1792 // convolution
                + 3 * 24 + 1536 + 768; // A, D, dt_bias; both norms
        assertThat(c.weightBytes()).isEqualTo(4 * (24 * layer + 16384L * 768 + 2 * 768));
        assertThat(c.stateBytes()).isEqualTo(2 * 4 * 24 * (24L * 64 * 128 + 1792 * 4));
        LmCost half = c.withStates(AimPresets.get("aim-b"), StateFormat.BF16);
        assertThat(half.stateBytes()).isEqualTo(2 * 24 * (2 * 24L * 64 * 128 + 4 * 1792 * 4));
        assertThat(half.withStates(AimPresets.get("aim-b"), StateFormat.F32)).isEqualTo(c);
        assertThat(c.cacheBytesPerPosition()).isZero();
        long products = 24 * (3352L * 768 + 768 * 1536 + 1792 * 4) + 16384L * 768;
        assertThat(c.flops()).isEqualTo(2.0 * products + 24 * 5.0 * 24 * 64 * 128);
        assertThat(c.bytes(2, 100)).isEqualTo(c.weightBytes() + 2.0 * c.stateBytes());
        assertThat(c.flops(2, 100)).isEqualTo(2 * c.flops());
    }

    @Test
    void attentionReadsKeysAndValuesOfEveryEarlierPosition() {
        AimConfig config = AimConfig.builder(32)
                .nLayer(2)
                .vocabSize(23)
                .numClasses(5)
                .numTokens(81)
                .attention(new AttentionConfig(32, 4, 2, 6, true, false), List.of(1))
                .tieEmbeddings(false)
                .build();
        LmCost c = LmCost.of(config);
        assertThat(c.cacheBytesPerPosition()).isEqualTo(2 * 4 * 2 * 6);
        assertThat(c.flopsPerPosition()).isEqualTo(2 * 2 * 4 * 6);
        assertThat(c.bytes(3, 10) - c.bytes(3, 0)).isEqualTo(3 * 10 * 96.0);
        AimConfig tied = AimConfig.builder(32)
                .nLayer(2)
                .vocabSize(23)
                .numClasses(5)
                .numTokens(81)
                .ssm(config.ssm())
                .attention(config.attention(), List.of(1))
                .build();
        assertThat(LmCost.of(tied).weightBytes()).as("a head of its own costs what a tied one does, words only a row")
                .isEqualTo(c.weightBytes());
    }

    /** 252.7 GFLOP is what the published decoder takes with its convolutions counted directly. */
    @Test
    void vqF16TakesWhatIsKnownOfIt() {
        VqCost c = VqCost.of(VqConfig.f16(), 16);
        assertThat(1e-9 * c.decode()).isCloseTo(252.7, within(0.05));
        assertThat(c.encoderBytes() + c.decoderBytes()).isLessThan(4L * 71_883_403).isGreaterThan(4L * 71_700_000);
    }

    @Test
    void aSmallTokenizerByHand() {
        VqConfig config = VqConfig.builder()
                .ch(8)
                .chMult(List.of(1, 1))
                .numResBlocks(1)
                .zChannels(8)
                .nEmbed(16)
                .embedDim(4)
                .channels(3, 1)
                .normGroups(4)
                .build();
        int conv = 2 * 9 * 8 * 8; // a pixel
        int one = 2 * 8 * 8;
        double attention = 4 * one * 9.0 + 4 * 81 * 8.0; // at 3 x 3
        double mid = 4 * conv * 9.0 + attention;
        double decode = 2 * 4 * 8 * 9 + conv * 9 + mid // post_quant_conv, conv_in
                + 4 * conv * 9.0 + 2 * attention + conv * 36 // first level: two blocks, upsampled
                + 4 * conv * 36.0 + 2 * 9 * 8 * 36; // last level, conv_out to one channel
        assertThat(VqCost.of(config, 3).decode()).isEqualTo(decode);
        double encode = 2 * 9 * 3 * 8 * 36 + 2 * conv * 36.0 + conv * 9 // conv_in, first level, downsampled
                + 2 * conv * 9.0 + attention + mid + conv * 9 + 2 * 8 * 4 * 9 // last level, mid, conv_out, quant_conv
                + 2 * 9 * 16 * 4; // codebook
        assertThat(VqCost.of(config, 3).encode()).isEqualTo(encode);
    }

    @Test
    void percentilesOfASpread() {
        Spread s = Spread.of(IntStream.rangeClosed(0, 10).mapToDouble(i -> 10 - i).toArray());
        assertThat(s).isEqualTo(new Spread(11, 0, 1, 5, 9, 10));
        assertThat(Spread.of(3, 4).median()).isEqualTo(3.5);
        assertThat(Spread.of(7).high()).isEqualTo(7);
        assertThat(Spread.of().median()).isNaN();
    }
}
