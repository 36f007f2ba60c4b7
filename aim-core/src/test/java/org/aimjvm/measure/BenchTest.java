package org.aimjvm.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.Shape;
import org.aimjvm.backend.StateFormat;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.model.AimConfig;
import org.aimjvm.nn.Params;
import org.aimjvm.ssm.Mamba2Config;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Works on small models: what is counted and said; never how long it took. */
class BenchTest {
    private static final int TOKENS = 36;

    private final Bench bench = new Bench(new LimitMeter(2), 0.001);
    private final LmSubject subject = LmSubject.random(
            Backends.best(), "tiny",
            AimConfig.builder(16)
                    .nLayer(2)
                    .vocabSize(23)
                    .numClasses(3)
                    .numTokens(TOKENS)
                    .ssm(Mamba2Config.builder(16).dState(8).headDim(4).build())
                    .build(),
            WeightFormat.F32);

    @Test
    void limitsArePositiveAndCountTheirRounds() {
        MachineLimits l = new LimitMeter(3).rounds().take(1).take(1).limits();
        assertThat(l.threads()).isEqualTo(3);
        assertThat(List.of(l.read(), l.update(), l.multiplyAdd())).allSatisfy(s -> {
            assertThat(s.count()).isEqualTo(2);
            assertThat(s.least()).isPositive().isFinite();
        });
    }

    @Test
    void decodingCountsCodesAndSequences() {
        Measurement m = bench.decode(subject, 3, true);
        assertThat(m.work()).isEqualTo("lm-decode");
        assertThat(m.tokensPerStep()).isEqualTo(3);
        assertThat(m.bytesPerStep()).isEqualTo(subject.cost().bytes(6, 0));
        assertThat(m.step().count()).isGreaterThanOrEqualTo(16);
        assertThat(m.tokensPerSecond()).isCloseTo(3 / m.step().median(), within(1e-9));
        assertThat(m.shareOfBandwidth())
                .isCloseTo(m.bytesPerStep() / m.step().median() / m.limits().read().median(), within(1e-12));
        assertThat(bench.decode(subject, 3, false).bytesPerStep()).isEqualTo(subject.cost().bytes(3, 0));
    }

    @Test
    void enoughTimeDrawsWholePictures() {
        DecodeTimes t = new DecodeMeter(subject, 2, true).measure(0.5);
        assertThat(t.whole()).isNotEmpty();
        assertThat(t.isExtrapolated()).isFalse();
        assertThat(t.positions()).contains(1, TOKENS - 1).doesNotContain(0, TOKENS);
        assertThat(t.steps()).hasSameSizeAs(t.positions());
    }

    @Test
    void picturesAreExtrapolatedFromTheFirstCodeAndEqualSteps() {
        DecodeTimes t = new DecodeTimes(256, List.of(3.0), new ArrayList<>(), new ArrayList<>(), List.of());
        for (int i = 1; i <= 20; i++) {
            t.steps().add(0.5);
            t.positions().add(i);
        }
        assertThat(t.isFlat()).isTrue();
        assertThat(t.secondsOfAll()).isEqualTo(3 + 255 * 0.5);
        for (int i = 11; i <= 20; i++) {
            t.steps().set(i - 1, 0.6);
        }
        assertThat(t.isFlat()).as("20 % slower in the second half").isFalse();
    }

    @Test
    void passesAreRepeatedAndCounted(@TempDir Path dir) {
        Measurement prefill = bench.prefill(subject, 2);
        assertThat(prefill.tokensPerStep()).isEqualTo(2 * TOKENS);
        assertThat(prefill.flopsPerStep()).isEqualTo(2 * TOKENS * subject.cost().flops());
        LmSubject trainable = LmSubject.trainable(subject.model().backend(), "tiny", subject.config());
        Measurement train = bench.trainStep(trainable, 2, dir.resolve("codes"));
        assertThat(train.flopsPerStep()).isEqualTo(3 * prefill.flopsPerStep());
        VqModel vq = new VqModel(
                Params.random(subject.model().backend(), 0),
                VqConfig.builder()
                        .ch(8)
                        .chMult(List.of(1, 1))
                        .numResBlocks(1)
                        .zChannels(8)
                        .nEmbed(16)
                        .embedDim(4)
                        .normGroups(4)
                        .build());
        for (Measurement m : List.of(prefill, train, bench.vqDecode(vq, "small", 4, 1),
                bench.vqEncode(vq, "small", 4, 2))) {
            assertThat(m.step().count()).isGreaterThanOrEqualTo(3);
            assertThat(m.imageSeconds()).isEqualTo(m.step().median() / m.batch());
            assertThat(m.extrapolated()).isFalse();
        }
    }

    @Test
    void jsonHasThePromisedKeys() {
        JsonNode o = JsonMapper.shared().readTree(bench.decode(subject, 1, false).toJson("a backend"));
        assertThat(o.propertyNames()).contains(
                "work", "preset", "weights", "states", "batch", "threads", "guided", "seconds_per_image",
                "tokens_per_second",
                "bytes_per_second", "share_of_bandwidth", "share_of_peak", "seconds_per_step", "machine", "backend",
                "jdk", "extrapolated");
        assertThat(o.get("guided").booleanValue()).isFalse();
        assertThat(o.get("seconds_per_step").get("median").doubleValue()).isPositive();
        assertThat(o.get("machine").get("read_bytes_per_second").get("count").intValue()).isPositive();
    }

    @Test
    void needsOfMemoryGrowWithTheModelAndTheBatch() {
        AimConfig small = AimConfig.mamba2(768, 24, 0);
        AimConfig large = AimConfig.mamba2(2048, 48, 4);
        long weights = 4L * LmCost.listing(large).all().values().stream().mapToLong(t -> t.size()).sum();
        assertThat(LmSubject.bytesToDecode(large, WeightFormat.F32, 2, false)).isBetween(weights, 2 * weights);
        assertThat(LmSubject.bytesToDecode(small, WeightFormat.F32, 2, false))
                .isLessThan(LmSubject.bytesToDecode(large, WeightFormat.F32, 2, false));
        assertThat(LmSubject.bytesToDecode(small, WeightFormat.F32, 16, true))
                .isGreaterThan(LmSubject.bytesToDecode(small, WeightFormat.F32, 2, true));
        assertThat(LmSubject.bytesToTrain(small, 4)).isGreaterThan(4 * 4L * 147_000_000);
    }

    @Test
    void statesInFewerBitsAreFewerBytes() {
        LmSubject half = subject.withStates(StateFormat.BF16);
        assertThat(half.states()).isEqualTo(StateFormat.BF16);
        assertThat(half.cost().stateBytes()).isLessThan(subject.cost().stateBytes())
                .isGreaterThan(subject.cost().stateBytes() / 2);
        Measurement m = bench.decode(half, 1, true);
        assertThat(m.states()).isEqualTo("bf16");
        assertThat(m.bytesPerStep()).isEqualTo(half.cost().bytes(2, (subject.config().numTokens() + 1) / 2.0));
        assertThat(bench.decode(subject, 1, true).states()).isEqualTo("f32");
    }

    @Test
    void weightsInFewerBitsAreFewerBytes() {
        assertThat(LmCost.matrixBytes(Shape.of(3, 64), WeightFormat.F32)).isEqualTo(768);
        assertThat(LmCost.matrixBytes(Shape.of(3, 64), WeightFormat.BF16)).isEqualTo(384);
        assertThat(LmCost.matrixBytes(Shape.of(3, 64), WeightFormat.INT8)).isEqualTo(192 + 12);
        assertThat(LmCost.matrixBytes(Shape.of(3, 64), WeightFormat.INT4)).isEqualTo(96 + 12);
        assertThat(LmCost.matrixBytes(Shape.of(3, 33), WeightFormat.INT4)).as("stays BF16").isEqualTo(198);
        LmSubject bf16 = LmSubject.random(subject.model().backend(), "tiny", subject.config(), WeightFormat.BF16);
        assertThat(bf16.cost().weightBytes()).isLessThan(subject.cost().weightBytes())
                .isGreaterThan(subject.cost().weightBytes() / 2);
        assertThat(bf16.cost().flops()).isEqualTo(subject.cost().flops());
        assertThat(bench.decode(bf16, 1, true).weights()).isEqualTo("bf16");
        assertThat(LmSubject.bytesToDecode(subject.config(), WeightFormat.INT8, 1, false))
                .isLessThan(LmSubject.bytesToDecode(subject.config(), WeightFormat.F32, 1, false));
    }
}
