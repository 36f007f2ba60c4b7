package org.aimjvm.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.aimjvm.backend.Backends;
import org.aimjvm.data.CodeExtractor;
import org.aimjvm.data.PictureSource;
import org.aimjvm.data.Shard;
import org.aimjvm.data.TenCrops;
import org.aimjvm.data.TokenDataset;
import org.aimjvm.data.TokenDatasetWriter;
import org.aimjvm.io.SafeTensors;
import org.aimjvm.io.TensorSource;
import org.aimjvm.nn.Params;
import org.aimjvm.optim.AdamW;
import org.aimjvm.optim.AdamWOptions;
import org.aimjvm.tensor.Scope;
import org.aimjvm.train.TinyRuns.Recorder;
import org.aimjvm.train.VqOptions.Reconstruction;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VqTrainerTest {
    @TempDir Path folder;

    private static VqOptions options(int steps, int accumulation, Reconstruction reconstruction) {
        return VqOptions.builder(TinyRuns.recipe(steps, 8, accumulation, 3e-3)).reconstruction(reconstruction)
                .reviveAfter(3).build();
    }

    @Test
    void reconstructionGetsBetterAndCodesAreUsed() {
        Recorder r = new Recorder();
        VqTrainer trainer = TinyRuns.vq(
                TinyRuns.squares(48), options(60, 1, Reconstruction.L2), new RunOptions(null, 0, 1, 60, 0, 0), r);
        assertThat(trainer.run()).isTrue();
        assertThat(trainer.columns()).contains("reconstruction", "codebook", "commitment", "entropy", "usage");
        assertThat(r.steps.getLast().parts().get("reconstruction"))
                .isLessThan(0.2 * r.steps.getFirst().parts().get("reconstruction"));
        assertThat(r.validations.getFirst().get("psnr")).isGreaterThan(15);
        assertThat(r.validations.getFirst().get("perplexity")).isBetween(1.5, 16.0);
        TrainMetrics m = r.steps.getLast();
        assertThat(m.loss())
                .isCloseTo(
                        m.parts().get("reconstruction") + m.parts().get("codebook") + m.parts().get("commitment")
                                + m.parts().get("entropy"),
                        offset(1e-5));
    }

    @Test
    void resumedRunHasBitwiseTheLossesOfAnUnbrokenOne() {
        PictureSource pictures = TinyRuns.squares(30);
        Recorder whole = new Recorder();
        TinyRuns.vq(pictures, options(14, 2, Reconstruction.L1), RunOptions.NONE, whole).run();

        RunOptions run = new RunOptions(folder.resolve("run"), 7, 1, 0, 0, 0);
        Recorder first = new Recorder();
        VqTrainer stopped = TinyRuns.vq(pictures, options(14, 2, Reconstruction.L1), run, first);
        first.stopAfter = stopped;
        first.stopStep = 7;
        assertThat(stopped.run()).isFalse();
        Recorder second = new Recorder();
        VqTrainer resumed = TinyRuns.vq(pictures, options(14, 2, Reconstruction.L1), run, second);
        resumed.resume(RunFolder.latest(run.folder()).orElseThrow());
        assertThat(resumed.run()).isTrue();
        assertThat(second.losses()).isEqualTo(whole.losses().subList(7, 14));
        assertThat(second.steps.getLast().parts()).isEqualTo(whole.steps.getLast().parts());
    }

    @Test
    void lossesDoNotDependOnTheThreads() {
        Recorder one = new Recorder();
        Recorder three = new Recorder();
        String name = TinyRuns.BACKEND.name();
        VqOptions options = options(4, 1, Reconstruction.L2);
        TinyRuns.vq(Backends.open(name, 1), TinyRuns.squares(30), options, RunOptions.NONE, one).run();
        TinyRuns.vq(Backends.open(name, 3), TinyRuns.squares(30), options, RunOptions.NONE, three).run();
        assertThat(one.losses()).isEqualTo(three.losses());
    }

    @Test
    void deadCodesMoveOntoLatents() {
        Params params = TinyRuns.vqParams();
        VqModel model = TinyRuns.vqModel(params);
        VqTask task = new VqTask(model, TinyRuns.squares(30), null, options(9, 1, Reconstruction.L2), null);
        AdamW optimizer = new AdamW(model.params().trainable(), AdamWOptions.of(0));
        Player<PictureBatch> player = task.players().getFirst();
        float[] before = model.codebook().weight().toFloats();
        for (int step = 0; step < 3; step++) {
            try (Scope _ = Scope.training()) {
                MicroBatch rows = new MicroBatch(step, 0, 0, new int[] {0, 1, 2, 3, 4, 5, 6, 7});
                player.loss().of(rows, task.read(rows));
            }
            task.afterStep(new AfterStep(step, Map.of(player.name(), optimizer), null, GradientSync.NONE));
        }
        float[] after = model.codebook().weight().toFloats();
        int moved = 0;
        for (int code = 0; code < 16; code++) {
            double norm = 0;
            boolean changed = false;
            for (int c = 0; c < 4; c++) {
                changed |= after[code * 4 + c] != before[code * 4 + c];
                norm += after[code * 4 + c] * after[code * 4 + c];
            }
            moved += changed ? 1 : 0;
            assertThat(norm).isBetween(0.999, 1.001);
        }
        assertThat(moved).isGreaterThan(4).isLessThan(16);
    }

    @Test
    void codesAreExtractedIndependentlyOfTheBatch() {
        CodeExtractor extractor = new CodeExtractor(TinyRuns.vqModel(TinyRuns.vqParams()));
        extractor.extract(TinyRuns.squares(11), folder.resolve("a"), 2, 0, 4, n -> {});
        extractor.extract(TinyRuns.squares(11), folder.resolve("b"), 2, 0, 22, n -> {});
        try (TokenDataset a = TokenDataset.open(folder.resolve("a"));
                TokenDataset b = TokenDataset.open(folder.resolve("b"))) {
            assertThat(a.size()).isEqualTo(22);
            assertThat(a.info().gridHeight()).isEqualTo(4);
            assertThat(a.info().vocab()).isEqualTo(16);
            assertThat(a.label(12)).isEqualTo(1);
            assertThat(a.fingerprint()).isEqualTo(b.fingerprint());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 7})
    void sharesOfTheExtractionJoinToTheSameBytes(int of) {
        Params params = TinyRuns.vqParams();
        CodeExtractor extractor = new CodeExtractor(TinyRuns.vqModel(params));
        extractor.extract(TinyRuns.squares(11), folder.resolve("alone"), 2, 0, 4, n -> {});
        List<Path> parts = new ArrayList<>();
        for (int rank = 0; rank < of; rank++) {
            parts.add(folder.resolve("part" + rank));
            extractor.extract(TinyRuns.squares(11), parts.getLast(), 2, 0, 4, new Shard(rank, of), n -> {});
        }
        TokenDatasetWriter.merge(parts, folder.resolve("joined"));
        assertThat(folder.resolve("joined/codes-00001-of-00001.safetensors"))
                .hasSameBinaryContentAs(folder.resolve("alone/codes-00001-of-00001.safetensors"));
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 7})
    void sharesOfTenCropsJoinToTheSameBytes(int of) {
        CodeExtractor extractor = new CodeExtractor(TinyRuns.vqModel(TinyRuns.vqParams()));
        TenCrops crops = new TenCrops(TinyRuns.squares(11), 6);
        extractor.extract(crops, folder.resolve("alone"), 1, 0, 4, n -> {});
        List<Path> parts = new ArrayList<>();
        for (int rank = 0; rank < of; rank++) {
            parts.add(folder.resolve("part" + rank));
            extractor.extract(crops, parts.getLast(), 1, 0, 7, new Shard(rank, of), n -> {});
        }
        TokenDatasetWriter.merge(parts, folder.resolve("joined"));
        assertThat(folder.resolve("joined/codes-00001-of-00001.safetensors"))
                .hasSameBinaryContentAs(folder.resolve("alone/codes-00001-of-00001.safetensors"));
        try (TokenDataset set = TokenDataset.open(folder.resolve("joined"))) {
            assertThat(set.size()).isEqualTo(11);
            assertThat(set.crops()).isEqualTo(TenCrops.VIEWS);
            assertThat(set.length()).isEqualTo(9);
        }
        assertThatThrownBy(() -> extractor.extract(crops, folder.resolve("twice"), 2, 0, 4, n -> {}))
                .hasMessageStartingWith("views: 2 (expected 1: of each picture 10 are there already)");
        assertThat(folder.resolve("twice")).doesNotExist();
    }

    @Test
    void checkpointHoldsThePublishedNamesAndTheUsageWindow() {
        RunOptions run = new RunOptions(folder.resolve("run"), 1, 1, 0, 0, 0);
        TinyRuns.vq(TinyRuns.squares(30), options(2, 1, Reconstruction.L2), run, new Recorder()).run();
        try (TensorSource model =
                SafeTensors.open(RunFolder.latest(run.folder()).orElseThrow().resolve(RunFolder.MODEL))) {
            assertThat(model.names()).contains("vqvae.quantize.embedding.weight", "vqvae.encoder.conv_in.weight");
            float[] window = model.readFloats("vqvae.quantize.codebook_used");
            assertThat(window).hasSize(65536);
            float sum = 0;
            for (int i = window.length - 2 * 8 * 16; i < window.length; i++) {
                sum += window[i];
            }
            assertThat(sum).isPositive();
            assertThat(window[window.length - 2 * 8 * 16 - 1]).isZero();
        }
    }

    @Test
    void picturesMustFitTheModel() {
        Params params = TinyRuns.vqParams();
        VqModel rgb = new VqModel(
                params.sub(VqModel.NAME),
                VqConfig.builder()
                        .ch(8)
                        .chMult(List.of(1, 2))
                        .numResBlocks(1)
                        .zChannels(8)
                        .nEmbed(16)
                        .embedDim(4)
                        .normGroups(4)
                        .build());
        assertThatThrownBy(() -> new VqTrainer(
                rgb,
                TinyRuns.squares(30),
                null,
                options(1, 1, Reconstruction.L1),
                RunOptions.NONE,
                new Recorder()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("expected 1, the pictures' channels");
    }
}
