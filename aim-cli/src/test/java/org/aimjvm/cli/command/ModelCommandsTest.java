package org.aimjvm.cli.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import org.aimjvm.AiM;
import org.aimjvm.LoadOptions;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.cli.Outcome;
import org.aimjvm.cli.TinyData;
import org.aimjvm.command.ExitCode;
import org.aimjvm.io.Checkpoints;
import org.aimjvm.io.Images;
import org.aimjvm.io.SafeTensors;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.TensorSource;
import org.aimjvm.nn.Params;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code aim info}, {@code init}, {@code convert}, {@code reconstruct} and {@code verify}. */
class ModelCommandsTest {
    private static final Path GOLDEN =
            Path.of(System.getProperty("basedir", ".")).resolve("../aim-core/src/test/resources/golden").normalize();

    @TempDir private static Path shared;
    @TempDir private Path dir;

    @BeforeAll
    static void prepare() throws IOException {
        TinyData.model(shared.resolve("model"));
        Files.writeString(shared.resolve("text.txt"), "text");
        Images.writePng(shared.resolve("a.png"), TinyData.picture(17, 9));
        Images.writePng(shared.resolve("b.png"), TinyData.picture(8, 8));
        Images.writePng(shared.resolve("dot.png"), TinyData.picture(1, 1));
    }

    private Outcome aim(String text) {
        return Outcome.of(Outcome.words(shared, text.replace("OUT", dir.toString()).replace("GOLDEN", GOLDEN
                .toString())));
    }

    private Outcome done(String text) {
        Outcome o = aim(text);
        assertThat(o.err()).isEmpty();
        assertThat(o.exit()).isZero();
        return o;
    }

    @ParameterizedTest
    @CsvSource({"aim-b,147622080", "aim-l,349760000", "aim-xl,763291392", "aim-1b,1335944192", "vq-f16,71883403",
        "vq-f8,70109835"})
    void countsOfThePresetsAreThePublishedOnes(String preset, long parameters) {
        JsonNode info = JsonMapper.shared().readTree(done("info --json --preset " + preset).out());
        assertThat(info.get("parameters").asLong()).isEqualTo(parameters);
        JsonNode part = info.get(preset.startsWith("vq") ? "tokenizer" : "sequence_model");
        assertThat(part.get("parts").valueStream().mapToLong(JsonNode::asLong).sum()).isEqualTo(parameters);
        assertThat(done("info --preset " + preset).out()).contains(String.format(Locale.ROOT, "%,d", parameters),
                "{\"");
    }

    @Test
    void infoTellsWhatAModelIsMadeOf() {
        String text = done("info DIR/model").out();
        assertThat(text).contains("sequence model", "tokenizer", "\"d_model\":16", "\"n_embed\":8", "a, b, c",
                "stored as F32", "positions sequence_index", "recipe made by a test");
        JsonNode json = JsonMapper.shared().readTree(done("info --json DIR/model/model.safetensors").out());
        assertThat(json.get("classes").asInt()).isEqualTo(3);
        assertThat(json.get("sequence_model").get("config").get("n_layer").asInt()).isEqualTo(2);
        long buffer = 65536; // of the tokenizer, not trained
        assertThat(json.get("elements_by_type").get("F32").asLong())
                .isEqualTo(json.get("parameters").asLong() + buffer);
    }

    @Test
    void infoListsTensorsThatDoNotFit() throws IOException {
        Path folder = TinyData.model(dir.resolve("model"));
        Path config = folder.resolve("config.json");
        Files.writeString(config, Files.readString(config).replace("\"n_layer\" : 2", "\"n_layer\" : 1"));
        Outcome o = aim("info OUT/model");
        assertThat(o.exit()).isEqualTo(ExitCode.FAILED);
        assertThat(o.err()).hasLineCount(1).contains("tensors do not fit", "layers.1.", "unexpected");
    }

    @Test
    void initWritesTheWeightsThatTheSeedGives() {
        done("init --preset vq-f8 --seed 3 --dtype bf16 --out OUT/vq");
        Params params = Params.listing(3);
        new VqModel(params.sub(VqModel.NAME), VqConfig.f8());
        try (SafeTensors file = SafeTensors.open(dir.resolve("vq/model.safetensors"))) {
            assertThat(file.names()).isEqualTo(params.all().keySet());
            String name = "vqvae.quantize.embedding.weight";
            assertThat(file.info(name).dtype()).isEqualTo(DType.BF16);
            assertThat(file.readFloats(name)).containsExactly(params.initialValues(name), within(0x1p-9f));
        }
        assertThat(done("info OUT/vq").out()).contains("70,109,835");
    }

    @Test
    void convertKeepsWhatAModelMakes() throws IOException {
        done("convert DIR/model OUT/same");
        assertThat(dir.resolve("same/model.safetensors"))
                .hasSameBinaryContentAs(shared.resolve("model/model.safetensors"));
        for (String name : List.of("config.json", "vq_config.json", "aim.json")) {
            assertThat(dir.resolve("same").resolve(name)).hasSameBinaryContentAs(shared.resolve("model").resolve(name));
        }
        done("convert DIR/model OUT/bf16 --dtype bf16");
        done("convert OUT/bf16/model.safetensors OUT/back.safetensors --dtype f32");
        try (SafeTensors narrow = SafeTensors.open(dir.resolve("bf16/model.safetensors"));
                SafeTensors back = SafeTensors.open(dir.resolve("back.safetensors"))) {
            String weight = "mamba.backbone.layers.0.mixer.in_proj.weight";
            assertThat(narrow.info(weight).dtype()).isEqualTo(DType.BF16);
            assertThat(narrow.info("vqvae.quantize.codebook_used").dtype()).isEqualTo(DType.F32);
            assertThat(back.info(weight).dtype()).isEqualTo(DType.F32);
            assertThat(back.readFloats(weight)).isEqualTo(narrow.readFloats(weight));
            assertThat(narrow.metadata())
                    .containsEntry("mamba.lm_head.weight", "mamba.backbone.embeddings.word_embeddings.weight");
        }
        assertThat(AiM.load(dir.resolve("bf16")).generate("b").width()).isEqualTo(8);
    }

    @ParameterizedTest
    @EnumSource(WeightFormat.class)
    void convertedWeightsMakeThePicturesOfWeightsHeldSo(WeightFormat format) {
        done("convert DIR/model OUT/converted --weights " + format);
        AiM converted = AiM.load(dir.resolve("converted"));
        AiM held = AiM.load(shared.resolve("model"), LoadOptions.DEFAULT.withWeights(format));
        assertThat(converted.generate("b").codes()).isEqualTo(held.generate("b").codes());
        done("convert OUT/converted OUT/again");
        assertThat(dir.resolve("again/model.safetensors"))
                .hasSameBinaryContentAs(dir.resolve("converted/model.safetensors"));
        assertThat(done("info OUT/converted").out()).contains("stored as " + format.name());
        done("convert OUT/converted OUT/floats.safetensors --dtype f32");
    }

    @Test
    void convertReadsPickles() {
        done("convert GOLDEN/checkpoint-formats/pytorch_model_tied_zip.bin OUT/tied.safetensors");
        try (SafeTensors file = SafeTensors.open(dir.resolve("tied.safetensors"));
                TensorSource pickle =
                        Checkpoints.open(GOLDEN.resolve("checkpoint-formats/pytorch_model_tied_zip.bin"))) {
            String head = "lm_head.weight";
            String words = "backbone.embeddings.word_embeddings.weight";
            assertThat(file.metadata()).containsEntry(head, words);
            assertThat(file.names()).doesNotContain(head).hasSize(pickle.names().size() - 1);
            assertThat(file.readFloats(words)).isEqualTo(pickle.readFloats(head));
        }
        done("convert GOLDEN/checkpoint-formats/variants_legacy.pt OUT/variants.safetensors");
        try (SafeTensors file = SafeTensors.open(dir.resolve("variants.safetensors"));
                TensorSource pickle = Checkpoints.open(GOLDEN.resolve("checkpoint-formats/variants_legacy.pt"))) {
            for (String name : file.names()) {
                assertThat(file.info(name).shape()).isEqualTo(pickle.info(name).shape());
                assertThat(file.readFloats(name)).isEqualTo(pickle.readFloats(name));
            }
            assertThat(file.readLongs("i64")).isEqualTo(pickle.readLongs("i64")).contains(1L << 40);
        }
    }

    @Test
    void aValueTooLargeForF16IsAFailureThatLeavesNoFile() {
        float[] values = {1, 70000, Float.NaN};
        new SafeTensorsWriter().floats("x", DType.F32, Shape.of(3), () -> values).write(dir.resolve("in.safetensors"));
        Outcome o = aim("convert OUT/in.safetensors OUT/out.safetensors --dtype f16");
        assertThat(o.exit()).isEqualTo(ExitCode.FAILED);
        assertThat(o.err()).hasLineCount(1).contains("x: value 70000.0 is too large for f16");
        assertThat(dir).isDirectoryNotContaining("glob:**out*");
    }

    @Test
    void reconstructTellsHowCloseItComes() throws IOException {
        Outcome one = done("reconstruct -m DIR/model DIR/a.png -o OUT/one.png");
        assertThat(one.out()).matches(Pattern.quote(dir + "/one.png") + " PSNR [0-9.]+ dB\\R");
        assertThat(Images.read(dir.resolve("one.png")).getWidth()).isEqualTo(16); // 17 cut to what 2 divides
        Outcome more = done("reconstruct -m DIR/model DIR/a.png DIR/b.png -o OUT/many --compare --size 12");
        assertThat(more.out().lines()).hasSize(3).last().asString().startsWith("mean of 2 PSNR ");
        assertThat(Images.read(dir.resolve("many/b.png")).getWidth()).isEqualTo(2 + 12 + 2 + 12 + 2);
    }

    @Test
    void aBrokenPictureDoesNotStopTheOthers() {
        Outcome o = aim("reconstruct -m DIR/model DIR/a.png DIR/text.txt DIR/dot.png DIR/b.png -o OUT/some");
        assertThat(o.exit()).isEqualTo(ExitCode.FAILED);
        assertThat(o.out().lines()).hasSize(3).last().asString().startsWith("mean of 2 PSNR ");
        assertThat(o.err().lines()).hasSize(3).last().isEqualTo("aim: 2 of 4 pictures failed");
        assertThat(o.err()).contains("text.txt: not a picture", "dot.png: 1 x 1 pixels");
        assertThat(dir.resolve("some")).isDirectoryContaining("glob:**/a.png").isDirectoryContaining("glob:**/b.png");
    }

    @Test
    void aPictureThatIsTooLargeIsSaidBeforeTheWork() throws IOException {
        Path large = dir.resolve("large.png");
        ImageIO.write(new BufferedImage(9, 9, BufferedImage.TYPE_BYTE_BINARY), "png", large.toFile());
        byte[] bytes = Files.readAllBytes(large);
        ByteBuffer.wrap(bytes).putInt(16, 60_000).putInt(20, 50_000); // columns and rows, as the header has them
        Files.write(large, bytes);
        Outcome o = aim("reconstruct -m DIR/model OUT/large.png DIR/a.png -o OUT/some");
        assertThat(o.exit()).isEqualTo(ExitCode.FAILED);
        assertThat(o.err())
                .startsWith("aim: " + dir + "/large.png: 60000 x 50000 pixels, more than this tokenizer can take"
                        + " at a time (cure: --size ")
                .endsWith("\naim: 1 of 2 pictures failed\n");
        assertThat(dir.resolve("some")).isDirectoryContaining("glob:**/a.png");

        Outcome size = aim("reconstruct -m DIR/model OUT/large.png -o OUT/one.png --size 32768");
        assertThat(size.exit()).isEqualTo(ExitCode.USAGE);
        assertThat(size.err()).startsWith("aim: reconstruct: --size: 32768 x 32768 pixels, more than");
    }

    @Test
    void limitsFollowFromTheLargestTensorsAndTheMemory() {
        VqConfig fashionLike = new VqConfig(32, List.of(1, 2, 2), 1, 64, 512, 8, 1, 1, 32, 1e-6f, true, 0.25f, 0);
        ReconstructLimits anyMemory = new ReconstructLimits(fashionLike, Long.MAX_VALUE);
        assertThat(anyMemory.problem(1000, 748)).isNull(); // 46,750 codes: scores of the attention come in blocks
        assertThat(anyMemory.problem(8000, 6000)).startsWith("8000 x 6000 pixels, more than")
                .contains("--size 5792 or less)");
        ReconstructLimits small = new ReconstructLimits(fashionLike, 1 << 30);
        assertThat(small.problem(1000, 748)).isNull();
        assertThat(small.problem(1600, 1600)).isEqualTo("1600 x 1600 pixels, which take at least 1,250 MiB of 1,024 MiB"
                + " (cure: --size 1448 or less, or AIM_JAVA_OPTS=-Xmx with a larger size)");
    }

    @Test
    void verifyComparesWithTheOriginalAndCounts() throws IOException {
        for (String name : List.of("pointwise", "upsample_conv")) {
            copy(GOLDEN.resolve("kernels").resolve(name), dir.resolve(name));
        }
        Outcome good = done("verify --golden OUT");
        assertThat(good.out().lines().toList()).hasSize(3).satisfiesExactly(
                l -> assertThat(l).startsWith("PASS").contains("pointwise", "of the tolerance"),
                l -> assertThat(l).startsWith("PASS").contains("upsample_conv"),
                l -> assertThat(l).contains(": 2 cases: 2 passed, 0 failed, 0 skipped; "));
        assertThat(done("verify --golden OUT --backend scalar").out()).contains("scalar: 2 cases");

        Path damaged = dir.resolve("upsample_conv/y.npy");
        byte[] bytes = Files.readAllBytes(damaged);
        bytes[bytes.length - 1] ^= 0x40;
        Files.write(damaged, bytes);
        Outcome bad = aim("verify --golden OUT");
        assertThat(bad.exit()).isEqualTo(ExitCode.FAILED);
        assertThat(bad.err()).isEmpty();
        assertThat(bad.out()).contains("FAIL    upsample_conv").contains("1 passed, 1 failed");
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.createDirectories(to);
        try (var files = Files.list(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName()));
            }
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "info                              | 2 | MODEL, --preset: none given",
        "info DIR/model --preset aim-b     | 2 | MODEL, --preset: both given",
        "info --preset aim-s               | 2 | --preset: aim-s, expected one of aim-1b, aim-b",
        "info DIR/none                     | 1 | DIR/none: no such file",
        "info DIR/text.txt                 | 1 | DIR/text.txt: unknown format",
        "init --out OUT/x                  | 2 | Missing required option: '--preset=",
        "init --preset aim-s --out OUT/x   | 2 | --preset: aim-s, expected one of",
        "init --preset aim-b --dtype f8 --out OUT/x      | 2 | Invalid value for option '--dtype'",
        "init --preset vq-f8 --no-tokenizer --out OUT/x  | 2 | --no-tokenizer: given with the tokenizer vq-f8",
        "init --preset aim-b --out DIR/model             | 2 | --out: DIR/model is not empty",
        "init --preset aim-b --out DIR/text.txt          | 2 | --out: DIR/text.txt is a file",
        "convert DIR/model                 | 2 | Missing required parameter: 'OUT'",
        "convert DIR/model OUT/x.pt        | 2 | OUT: .* \\(PyTorch files are read, not written\\)",
        "convert DIR/model DIR/model/model.safetensors   | 2 | OUT: DIR/model/model.safetensors exists",
        "convert DIR/model DIR/model       | 2 | OUT: DIR/model is not empty",
        "convert DIR/text.txt OUT/x        | 1 | DIR/text.txt: unknown format",
        "convert DIR/model OUT/x --weights int3          | 2 | Invalid value for option '--weights'",
        "convert DIR/model OUT/x --weights int8 --dtype f32 | 2 | --dtype: f32 with --weights int8",
        "convert DIR/none OUT/x            | 1 | DIR/none: no such file",
        "reconstruct -m DIR/model -o OUT/x.png           | 2 | Missing required parameter: 'IN'",
        "reconstruct -m DIR/model DIR/a.png              | 2 | Missing required option: '--out=",
        "reconstruct -m DIR/model DIR/none -o OUT/x.png  | 2 | IN: DIR/none, expected a picture file",
        "reconstruct -m DIR/model DIR/a.png -o DIR       | 2 | --out: would replace the original",
        "reconstruct -m DIR/model DIR/a.png DIR/a.png -o OUT/x | 2 | IN: two pictures called a.png",
        "reconstruct -m DIR/model DIR/a.png DIR/b.png -o DIR/text.txt | 2 | --out: DIR/text.txt is a file",
        "reconstruct -m DIR/model DIR/a.png --size 5 -o OUT/x.png | 2 | --size: 5 \\(expected a multiple of 2",
        "reconstruct -m DIR/model DIR/text.txt -o OUT/x.png       | 1 | DIR/text.txt: not a picture",
        "reconstruct -m DIR/model DIR/dot.png -o OUT/x.png        | 1 | DIR/dot.png: 1 x 1 pixels, expected at least 2 x 2",
        "verify                            | 2 | nothing to verify, expected --golden or --ops",
        "verify --only silu                | 2 | nothing to verify, expected --golden or --ops",
        "verify --ops --only nothing       | 2 | --only: nothing is in no name, expected some operation",
        "verify --golden DIR --only silu   | 2 | --only: silu without --ops, expected both",
        "verify --golden DIR/none          | 2 | --golden: DIR/none, expected a folder",
        "verify --golden DIR/model         | 1 | DIR/model: no README.json in or below it",
    })
    void refusals(String command, int exit, String expected) {
        Outcome o = aim(command);
        assertThat(o.err()).hasLineCount(1)
                .matches(Pattern.compile("aim: ([a-z]+: )?" + expected.replace("DIR", shared.toString()) + ".*\\R"));
        assertThat(o.exit()).isEqualTo(exit);
        assertThat(o.out()).isEmpty();
        assertThat(dir).isEmptyDirectory();
    }
}
