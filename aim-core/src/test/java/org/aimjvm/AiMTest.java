package org.aimjvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.awt.image.BufferedImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.StateFormat;
import org.aimjvm.checkpoint.ModelInfo;
import org.aimjvm.checkpoint.ModelWriter;
import org.aimjvm.checkpoint.Recipe;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.Images;
import org.aimjvm.io.Npy;
import org.aimjvm.model.PositionRule;
import org.aimjvm.sample.GenerationListener;
import org.aimjvm.sample.Guidance;
import org.aimjvm.sample.SamplingOptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a user of the library does. */
class AiMTest {
    private static final ModelInfo INFO = new ModelInfo(
            List.of("T-shirt/top", "ankle boot", "bag", "7", "coat"), PositionRule.SEQUENCE_INDEX,
            new Guidance(1, 2), new SamplingOptions(1, 9, 1, 0), Recipe.text("recipe"));

    @TempDir private static Path dir;

    private static AiM aim;

    @BeforeAll
    static void load() {
        ModelWriter.write(
                dir.resolve("tiny"), TinyAim.plain(), TinyAim.vq(3), INFO, ModelFiles.TINY.params().all(), DType.F32);
        aim = AiM.load(dir.resolve("tiny"));
    }

    private static List<List<Integer>> codes(List<Picture> pictures) {
        return pictures.stream().map(p -> IntStream.of(p.codes()).boxed().toList()).toList();
    }

    @Test
    void goldenTokensAndPixelsFromALabel() throws Exception {
        GenerateOptions greedy = GenerateOptions.DEFAULT.withGuidance(2).withSampling(SamplingOptions.GREEDY);
        long[] labels = Npy.read(ModelFiles.golden("e2e/labels.npy")).longs();
        int[] tokens = Npy.read(ModelFiles.golden("e2e/tokens.npy")).ints();
        float[] image = Npy.read(ModelFiles.golden("e2e/image.npy")).floats();
        int[] bytes = Npy.read(ModelFiles.golden("e2e/image_u8.npy")).ints();
        Path formats = ModelFiles.golden("checkpoint-formats");
        Files.createDirectories(dir.resolve("pickles"));
        for (String file : List.of("pytorch_model_tied_zip.bin", "vq_wrapped_zip.pt")) {
            Files.copy(formats.resolve(file), dir.resolve("pickles").resolve(file));
        }
        for (String file : List.of("config.json", "vq_config.json")) {
            Files.copy(ModelFiles.golden("e2e").resolve(file), dir.resolve("pickles").resolve(file));
        }
        for (Backend backend : TestBackends.available()) {
            LoadOptions on = LoadOptions.DEFAULT.withBackend(backend);
            for (AiM golden : List.of(
                    AiM.load(ModelFiles.golden("e2e"), on),
                    AiM.load("golden-e2e", on),
                    AiM.load(
                            dir.resolve("pickles/pytorch_model_tied_zip.bin"),
                            on.withTokenizer(dir.resolve("pickles/vq_wrapped_zip.pt"))))) {
                List<Picture> pictures =
                        golden.generate(Arrays.stream(labels).mapToObj(l -> (int) l).toList(), greedy);
                for (int i = 0; i < labels.length; i++) {
                    Picture p = pictures.get(i);
                    assertThat(p.codes()).isEqualTo(Arrays.copyOfRange(tokens, i * 16, i * 16 + 16));
                    for (int j = 0; j < 192; j++) {
                        float expected = image[i * 192 + j];
                        assertThat(p.toFloats()[j]).isCloseTo(expected, within(1e-4f + 1e-4f * Math.abs(expected)));
                        assertThat(p.toBytes()[j] & 0xff).isCloseTo(bytes[i * 192 + j], within(1));
                    }
                }
            }
        }
    }

    @Test
    void aPictureComesAsFloatsBytesImageAndFile() throws Exception {
        Picture p = aim.generate("Ankle-Boot");
        assertThat(p.label()).isEqualTo(1);
        assertThat(p.className()).isEqualTo("ankle boot");
        assertThat(List.of(p.channels(), p.height(), p.width())).containsExactly(3, 8, 8);
        assertThat(p.codes()).hasSize(16).isEqualTo(aim.generate(1).codes());
        assertThat(p.toFloats()).isEqualTo(aim.decode(p.codes(), 4, 4));
        p.toFloats()[0] = 99;
        p.codes()[0] = 99;
        assertThat(p.toFloats()[0]).isNotEqualTo(99);
        assertThat(p.codes()[0]).isNotEqualTo(99);

        BufferedImage image = p.toImage();
        byte[] bytes = p.toBytes();
        for (int i = 0; i < 64; i++) {
            int rgb = image.getRGB(i % 8, i / 8) & 0xffffff;
            assertThat(rgb).isEqualTo(
                    (bytes[3 * i] & 0xff) << 16 | (bytes[3 * i + 1] & 0xff) << 8 | bytes[3 * i + 2] & 0xff);
            assertThat(rgb >> 16).isEqualTo(Images.toByte(p.toFloats()[i]));
        }
        p.save(dir.resolve("new/boot.PNG"));
        BufferedImage read = Images.read(dir.resolve("new/boot.PNG"));
        assertThat(read.getRGB(0, 0, 8, 8, null, 0, 8)).isEqualTo(image.getRGB(0, 0, 8, 8, null, 0, 8));
        assertThatThrownBy(() -> p.save(dir.resolve("boot.jpg")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("boot.jpg (expected a name that ends in .png)");
        assertThat(dir.resolve("boot.jpg")).doesNotExist();
    }

    @Test
    void countAndSeedNumberThePictures() {
        GenerateOptions options = aim.defaults().withCount(3).withSeed(40);
        assertThat(aim.defaults())
                .isEqualTo(GenerateOptions.DEFAULT.withGuidance(INFO.guidance()).withSampling(INFO.sampling()));
        List<Picture> pictures = aim.generate(List.of(4, 0), options);
        assertThat(pictures).extracting(Picture::label).containsExactly(4, 4, 4, 0, 0, 0);
        assertThat(pictures).extracting(Picture::seed).containsExactly(40L, 41L, 42L, 40L, 41L, 42L);
        assertThat(codes(aim.generate("coat", options))).isEqualTo(codes(pictures).subList(0, 3));
        assertThat(codes(aim.generate(0, options.withCount(1).withSeed(42)))).isEqualTo(codes(pictures).subList(5, 6));
        assertThat(codes(aim.generate(List.of(4, 0), options.withBatchSize(1)))).isEqualTo(codes(pictures));
        List<Integer> start = codes(pictures).getFirst().subList(0, 7);
        assertThat(codes(aim.generate(4, options.withCount(1).withPrefix(start))))
                .isEqualTo(codes(pictures).subList(0, 1));
        assertThat(codes(aim.generate(4, options.withGuidance(1)))).isNotEqualTo(codes(pictures).subList(0, 3));
        assertThat(codes(aim.generate(4, options.withTemperature(0.01f).withTopP(0.9f).withMinP(0.1f))))
                .isNotEqualTo(codes(pictures).subList(0, 3));
    }

    @Test
    void classesGoByNameOrNumber() {
        assertThat(aim.numClasses()).isEqualTo(5);
        assertThat(aim.label(" t shirt_TOP ")).isZero();
        assertThat(aim.label("2")).isEqualTo(2);
        assertThat(aim.label("7")).as("a name before a number").isEqualTo(3);
        for (String none : List.of("8", "-1", "", "boots", "5", "99999999999")) {
            assertThatThrownBy(() -> aim.generate(none))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("label: " + none
                            + " (expected 0 to 4, or one of T-shirt/top, ankle boot, bag, 7, coat)");
        }
        assertThatThrownBy(() -> aim.generate(5)).hasMessage("label: 5 (expected 0 to 4)");
        assertThatThrownBy(() -> aim.generate(List.of(), aim.defaults())).hasMessageContaining("generate: 0 pictures");
        List<String> many = IntStream.range(0, 1000).mapToObj(i -> i % 100 == 7 ? "terrier " + i : "cat " + i).toList();
        ModelInfo info =
                new ModelInfo(many, PositionRule.SEQUENCE_INDEX, Guidance.PUBLISHED, SamplingOptions.PLAIN,
                        Recipe.NONE);
        assertThatThrownBy(() -> info.label("Airedale_terrier", 1000))
                .hasMessage(
                        "label: Airedale_terrier (expected 0 to 999, or a class name such as terrier 7, terrier 107, terrier 207, "
                                + "terrier 307, terrier 407, terrier 507, terrier 607, terrier 707, terrier 807, terrier 907)");
        assertThatThrownBy(() -> info.label("dog", 1000))
                .hasMessage("label: dog (expected 0 to 999, or a class name)");
        assertThat(info.className(7)).isEqualTo("terrier 7");
        assertThat(ModelInfo.PUBLISHED.className(207)).isEqualTo("207");
        assertThatThrownBy(() -> ModelInfo.PUBLISHED.label("cat", 3)).hasMessage("label: cat (expected 0 to 2)");
    }

    @Test
    void aNameIsFoundExactlyFirstAndWholeBeforeItIsTakenApart() {
        ModelInfo info =
                named("tench, Tinca tinca", "crane", "Crane", "a", "b", "A b", "C", "C++", "3", "same", "same");
        assertThat(info.label("crane", 11)).isEqualTo(1);
        assertThat(info.label("Crane", 11)).isEqualTo(2);
        assertThat(info.label(" TENCH tinca-tinca", 11)).isZero();
        assertThat(info.label("C++", 11)).isEqualTo(7);
        assertThat(info.label("3", 11)).as("a name before a number").isEqualTo(8);
        assertThat(info.label("4", 11)).isEqualTo(4);
        assertThatThrownBy(() -> info.label("CRANE", 11))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("label: CRANE may be any of crane (1); Crane (2), expected exactly one of the names, or a "
                        + "number");
        assertThatThrownBy(() -> info.label("same", 11)).hasMessageContaining("any of same (9); same (10),");
        assertThatThrownBy(() -> info.label("c", 11)).hasMessageContaining("any of C (6); C++ (7),");
        assertThatThrownBy(() -> info.label("?!", 11)).hasMessageContaining("label: ?! (expected 0 to 10");

        assertThat(info.labels("tench, Tinca tinca", 11)).containsExactly(0);
        assertThat(info.labels("crane,tench,tinca tinca,Crane, 4", 11)).containsExactly(1, 0, 2, 4);
        assertThat(info.labels("a,Crane", 11)).containsExactly(3, 2);
        assertThat(info.labels("A B", 11)).containsExactly(5);
        assertThatThrownBy(() -> info.labels("a,b", 11)).hasMessageContaining("any of A b (5); a (3); b (4),");
        assertThat(info.labels("10,all", 11)).hasSize(12).startsWith(10, 0, 1);
        assertThatThrownBy(() -> info.labels("crane,,b", 11)).hasMessageContaining("label:  (expected 0 to 10");
        assertThatThrownBy(() -> info.labels(",", 11)).hasMessageContaining("label: , (expected 0 to 10");
        assertThatThrownBy(() -> info.labels("tench, Tinca", 11)).hasMessageContaining("label: tench (expected");
        assertThat(named("caf\u00e9").label("Cafe\u0301", 1)).isZero();
    }

    private static ModelInfo named(String... names) {
        return new ModelInfo(
                List.of(names), PositionRule.SEQUENCE_INDEX, Guidance.PUBLISHED, SamplingOptions.PLAIN, Recipe.NONE);
    }

    @Test
    void picturesAreHandedOverOneByOne() {
        List<Picture> taken = new ArrayList<>();
        int[] tokens = {0};
        GenerationListener listener = new GenerationListener() {
            @Override
            public void onToken(int picture, int position, int token) {
                tokens[0]++;
            }

            @Override
            public boolean isCancelled() {
                return taken.size() == 4;
            }
        };
        GenerateOptions options = aim.defaults().withCount(3).withBatchSize(2);
        assertThatThrownBy(() -> aim.generateEach(List.of(1, 2), options, listener, taken::add))
                .isInstanceOf(CancellationException.class);
        assertThat(tokens[0]).isEqualTo(64);
        assertThat(codes(taken)).isEqualTo(codes(aim.generate(List.of(1, 2), options)).subList(0, 4));
        assertThatThrownBy(() -> aim.generateEach(
                IntStream.range(0, 1000).boxed().toList(), options.withCount(10_000_000), listener, taken::add))
                .hasMessageContaining("10000000 pictures of 1000 labels (expected at most 10000000 together)");
    }

    @Test
    void anInterruptEndsAGenerationBeforeTheNextCode() {
        int[] tokens = {0};
        GenerationListener listener = new GenerationListener() {
            @Override
            public void onToken(int picture, int position, int token) {
                if (++tokens[0] == 5) {
                    Thread.currentThread().interrupt();
                }
            }
        };
        GenerateOptions options = aim.defaults().withCount(1);
        assertThatThrownBy(() -> aim.generate(List.of(1), options, listener)).isInstanceOf(CancellationException.class);
        assertThat(Thread.interrupted()).as("interrupt status set again").isTrue();
        assertThat(tokens[0]).isEqualTo(5);
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> aim.generate(1)).isInstanceOf(CancellationException.class);
        assertThat(Thread.interrupted()).isTrue();
        assertThat(codes(aim.generate(1, options))).isEqualTo(codes(aim.generate(1, options.withBatchSize(1))));
    }

    @Test
    void aCancelledFutureDoesNotWaitForItsTurn() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch end = new CountDownLatch(1);
        GenerationListener slow = new GenerationListener() {
            @Override
            public void onRow(int row, PartialPictures partial) {
                begun.countDown();
                awaitQuietly(end);
            }
        };
        try (ExecutorService threads = Executors.newFixedThreadPool(3)) {
            Future<List<Picture>> first =
                    threads.submit(() -> aim.generate(List.of(2), aim.defaults().withCount(1), slow));
            assertThat(begun.await(60, TimeUnit.SECONDS)).isTrue();
            List<Callable<Object>> calls = List.of(
                    () -> aim.generate(2), () -> aim.encode(new float[192], 8, 8), () -> aim.decode(new int[16], 4, 4));
            for (Callable<Object> call : calls) {
                CountDownLatch started = new CountDownLatch(1);
                CompletableFuture<String> seen = new CompletableFuture<>();
                Future<?> waiting = threads.submit(() -> {
                    started.countDown();
                    try {
                        call.call();
                        seen.complete("was made");
                    } catch (CancellationException e) {
                        seen.complete("cancelled, interrupted " + Thread.currentThread().isInterrupted());
                    } catch (Exception e) {
                        seen.completeExceptionally(e);
                    }
                });
                assertThat(started.await(60, TimeUnit.SECONDS)).isTrue();
                assertThat(waiting.cancel(true)).isTrue();
                assertThat(seen.get(60, TimeUnit.SECONDS)).isEqualTo("cancelled, interrupted true");
            }
            end.countDown();
            assertThat(codes(first.get(60, TimeUnit.SECONDS))).isEqualTo(codes(List.of(aim.generate(2))));
        } finally {
            end.countDown();
        }
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void loadingIsDescribedByOptions() {
        LoadOptions o = LoadOptions.DEFAULT;
        assertThat(List.of(o.withBackend(Backends.best()).withDevice(Device.cpu()), o.withDevice(Device.cpu())))
                .as("the last one counts").extracting(LoadOptions::backend).containsOnlyNulls();
        assertThat(o.withDevice(Device.cpu()).withBackend(Backends.best()).device()).isNull();
        assertThatThrownBy(() -> new LoadOptions(Device.cpu(), Backends.best(), null, StateFormat.F32, null))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("load: device cpu and backend " + Backends.best().name() + " (expected one of");
        AiM held = AiM.load(dir.resolve("tiny"), o.withDevice(Device.cpu()).withStates(StateFormat.BF16));
        assertThat(held.model().states()).isEqualTo(StateFormat.BF16);
        assertThat(aim.model().backend()).isSameAs(Backends.best());
        assertThat(held.model().backend()).isNotSameAs(Backends.best());
        assertThat(held.generate(1).codes()).hasSize(16);
    }

    @Test
    void picturesBecomeCodesAndBack() {
        float[] pixels = new float[3 * 8 * 12];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = (float) Math.sin(i);
        }
        int[] codes = aim.encode(pixels, 8, 12);
        assertThat(IntStream.of(codes)).hasSize(24).allMatch(c -> c >= 0 && c < TinyAim.VOCAB);
        assertThat(aim.decode(codes, 4, 6)).hasSize(3 * 8 * 12);
        assertThatThrownBy(() -> aim.encode(pixels, 8, 11)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> aim.decode(new int[] {0, 23}, 1, 2)).hasMessage("decode: code 23 (expected 0 to 22)");
        assertThatThrownBy(() -> aim.decode(codes, 4, 5)).hasMessageContaining("24 codes, expected 1 x 4 x 5");
    }

    @Test
    void modelsThatAreNowhereAreExplained() {
        assertThatThrownBy(() -> AiM.load("fashoin"))
                .isInstanceOf(CheckpointException.class)
                .hasMessage("fashoin: no such file or folder (looked for " + Path.of("fashoin").toAbsolutePath()
                        + "), and no embedded model of that name (expected a path, or one of golden-e2e)");
        assertThatThrownBy(() -> AiM.load(dir + "/none/at/all")).hasMessageContaining("no embedded model of that name");
        assertThatThrownBy(() -> AiM.load("nul\0byte"))
                .isInstanceOf(CheckpointException.class).hasMessageContaining("not a path");
        assertThatThrownBy(() -> AiM.load("")).isInstanceOf(CheckpointException.class);
    }

    @Test
    void partsThatDoNotFitEachOtherAreRefused() {
        Backend backend = Backends.best();
        Path other = dir.resolve("other");
        TinyAim large = TinyAim.of(TinyAim.plain().withData(24, 16, 5), TinyAim.vq(3), backend);
        ModelWriter.write(other, large.model().config(), TinyAim.vq(3), INFO, large.params().all(), DType.F32);
        assertThatThrownBy(() -> AiM.load(other))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("vocab_size: 24 (expected the tokenizer's 23 codes)");
        TinyAim planes = TinyAim.of(TinyAim.plain(), TinyAim.vq(4), backend);
        ModelWriter.write(other, TinyAim.plain(), TinyAim.vq(4), INFO, planes.params().all(), DType.F32);
        assertThatThrownBy(() -> AiM.load(other)).hasMessageContaining("out_channels: 4 (expected 1 or 3)");
    }

    @Test
    void optionsOutOfRangeAreNamed() {
        GenerateOptions o = GenerateOptions.DEFAULT;
        assertThatThrownBy(() -> o.withCount(0)).hasMessage("count: 0 (expected 1 to 10000000)");
        assertThatThrownBy(() -> o.withBatchSize(0)).hasMessage("batch: 0 (expected 1 to 4096)");
        assertThatThrownBy(() -> o.withTopP(0)).hasMessageContaining("top-p");
        assertThatThrownBy(() -> o.withGuidance(-1)).hasMessageContaining("cfg-scale");
        assertThatThrownBy(() -> o.withGuidance((Guidance) null)).isInstanceOf(NullPointerException.class);
    }
}
