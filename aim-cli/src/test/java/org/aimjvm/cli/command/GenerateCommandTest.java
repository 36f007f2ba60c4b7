package org.aimjvm.cli.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.aimjvm.AiM;
import org.aimjvm.GenerateOptions;
import org.aimjvm.LoadOptions;
import org.aimjvm.Picture;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.StateFormat;
import org.aimjvm.checkpoint.ModelInfo;
import org.aimjvm.cli.Outcome;
import org.aimjvm.cli.TinyData;
import org.aimjvm.cli.output.GridPng;
import org.aimjvm.cli.output.PngFolder;
import org.aimjvm.command.ExitCode;
import org.aimjvm.io.Images;
import org.aimjvm.io.Npy;
import org.aimjvm.io.Npz;
import org.aimjvm.sample.Guidance;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code aim generate}: what it writes, what it prints, and that a mistake leaves nothing. */
class GenerateCommandTest {
    @TempDir private static Path models;

    private static AiM aim;

    @TempDir private Path dir;

    @BeforeAll
    static void model() throws IOException {
        aim = AiM.load(TinyData.model(models.resolve("tiny")));
    }

    @BeforeEach
    void folders() throws IOException {
        Files.createDirectories(dir.resolve("folder"));
        Files.writeString(dir.resolve("file.txt"), "mine");
    }

    private Outcome generate(String options) {
        return Outcome.of(Outcome.words(dir, "generate --model " + models + "/tiny " + options));
    }

    private static List<String> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(p -> p.getFileName().toString()).sorted().toList();
        }
    }

    private void assertNothingLeft() throws IOException {
        assertThat(files(dir)).containsExactly("file.txt", "folder");
        assertThat(files(dir.resolve("folder"))).isEmpty();
        assertThat(Files.readString(dir.resolve("file.txt"))).isEqualTo("mine");
    }

    private static int[] pixels(BufferedImage image) {
        return image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth());
    }

    private static int[] png(Path file) throws IOException {
        return pixels(Images.read(file));
    }

    private static Picture expected(int label, long seed) {
        return aim.generate(label, aim.defaults().withSeed(seed)).getFirst();
    }

    @Test
    void onePictureByNameOrNumber() throws IOException {
        for (String label : List.of("b", "B", "1")) {
            Outcome o = generate("--label " + label + " --seed 5 --out DIR/x.png");
            assertThat(o).isEqualTo(new Outcome(ExitCode.OK, dir + "/x.png\n", ""));
            assertThat(png(dir.resolve("x.png"))).isEqualTo(pixels(expected(1, 5).toImage()));
            Files.delete(dir.resolve("x.png"));
        }
    }

    @Test
    void aNameWithCommasIsOneLabel() throws IOException {
        Path other = TinyData.model(dir.resolve("names"));
        Path info = other.resolve(ModelInfo.FILE);
        Files.writeString(
                info, Files.readString(info).replaceFirst("(?s)\"classes\" *:.*?]", "\"classes\": "
                        + "[\"tench, Tinca tinca\", \"crane\", \"Crane\"]"));
        String model = other.toString();
        String out = dir.resolve("folder").toString();
        Outcome o = Outcome.of("generate", "--model", model, "--label", "Crane,tench, Tinca tinca", "--out", out);
        assertThat(o.out()).isEqualTo(out + "/2-Crane-0.png\n" + out + "/0-tench-Tinca-tinca-0.png\n");
        assertThat(Outcome.of("generate", "--model", model, "--label", "CRANE", "--out", out).err())
                .contains("label: CRANE may be any of crane (1); Crane (2), expected exactly one of the names");
    }

    @Test
    void statesInBf16() throws IOException {
        Outcome o = generate("--label b --seed 5 --states bf16 --verbose --out DIR/x.png");
        assertThat(o.exit()).isEqualTo(ExitCode.OK);
        assertThat(o.err()).startsWith("aim: backend ").endsWith(", states in bf16\n");
        AiM half = AiM.load(models.resolve("tiny"), LoadOptions.DEFAULT.withStates(StateFormat.BF16));
        assertThat(png(dir.resolve("x.png")))
                .isEqualTo(pixels(half.generate(1, half.defaults().withSeed(5)).getFirst().toImage()));
        assertThat(generate("--label b --states f16 --out DIR/y.png").err())
                .contains("Invalid value for option '--states'");
    }

    @Test
    void aFolderGetsAFileForEachPicture() throws IOException {
        Outcome o = generate("-l c,0 -l C -n 2 --seed -1 -o DIR/new");
        assertThat(o).isEqualTo(new Outcome(
                ExitCode.OK, "DIR/new/2-c--1.png\nDIR/new/2-c-0.png\nDIR/new/0-a--1.png\nDIR/new/0-a-0.png\n"
                        .replace("DIR", dir.toString()),
                ""));
        assertThat(files(dir.resolve("new"))).containsExactly("0-a--1.png", "0-a-0.png", "2-c--1.png", "2-c-0.png");
        assertThat(png(dir.resolve("new/2-c--1.png"))).isEqualTo(pixels(expected(2, -1).toImage()));
        assertThat(png(dir.resolve("new/0-a-0.png"))).isEqualTo(pixels(expected(0, 0).toImage()));

        Files.writeString(dir.resolve("new/0-a-0.png"), "old");
        Files.writeString(dir.resolve("new/other"), "stays");
        assertThat(generate("-l a -o DIR/new").out()).isEqualTo(dir + "/new/0-a-0.png\n");
        assertThat(files(dir.resolve("new"))).containsExactly("0-a--1.png", "0-a-0.png", "2-c--1.png", "2-c-0.png",
                "other");
        assertThat(png(dir.resolve("new/0-a-0.png"))).isEqualTo(pixels(expected(0, 0).toImage()));
    }

    @Test
    void fileNamesAreUniqueAndHarmless() {
        assertThat(PngFolder.fileName(7, "sneaker", 0)).isEqualTo("7-sneaker-0.png");
        assertThat(PngFolder.fileName(0, "T-shirt/top", 3)).isEqualTo("0-T-shirt-top-3.png");
        assertThat(PngFolder.fileName(207, "207", 1)).isEqualTo("207-1.png");
        assertThat(PngFolder.fileName(3, "../../etc", 1)).isEqualTo("3-etc-1.png");
        assertThat(PngFolder.fileName(4, "猫", 1)).isEqualTo("4-猫-1.png");
        assertThat(PngFolder.fileName(4, "/ /", -1)).isEqualTo("4--1.png");
        assertThat(PngFolder.fileName(5, "x".repeat(300), 1)).hasSize(68);
    }

    @Test
    void aGridHasARowForEachLabel() throws IOException {
        Outcome o = generate("--label all --count 2 --grid --zoom 3 --out DIR/grid.png");
        assertThat(o).isEqualTo(new Outcome(ExitCode.OK, dir + "/grid.png\n", ""));
        BufferedImage grid = Images.read(dir.resolve("grid.png"));
        assertThat(List.of(grid.getWidth(), grid.getHeight())).containsExactly(6 + 2 * 30, 6 + 3 * 30);
        for (int label = 0; label < 3; label++) {
            for (int seed = 0; seed < 2; seed++) {
                BufferedImage cell = Images.crop(grid, 6 + seed * 30, 6 + label * 30, 24, 24);
                assertThat(pixels(cell)).isEqualTo(pixels(GridPng.enlarged(expected(label, seed).toImage(), 3)));
            }
        }
        assertThat(grid.getRGB(5, 40) & 0xffffff).as("frame").isEqualTo(0xffffff);
        generate("--label b --count 5 --grid --out DIR/five.png");
        BufferedImage five = Images.read(dir.resolve("five.png"));
        assertThat(List.of(five.getWidth(), five.getHeight())).containsExactly(32, 22);
        assertThat(five.getRGB(25, 15) & 0xffffff).as("empty cell").isEqualTo(0xffffff);
        generate("--label b --grid --out DIR/one.png");
        assertThat(png(dir.resolve("one.png"))).isEqualTo(pixels(expected(1, 0).toImage()));
    }

    @Test
    void anArchiveHoldsPicturesAndLabels() throws IOException {
        Outcome o = generate("--label 2,0 --count 3 --npz DIR/p.npz --out DIR/also --batch 2");
        assertThat(o.exit()).isZero();
        assertThat(o.out().lines().toList()).hasSize(7).startsWith(dir + "/p.npz");
        Map<String, Npy> arrays = Npz.read(dir.resolve("p.npz"));
        assertThat(arrays.keySet()).containsExactly("arr_0", "arr_1");
        Npy pictures = arrays.get("arr_0");
        assertThat(pictures.dtype()).isEqualTo(DType.U8);
        assertThat(pictures.shape().toArray()).containsExactly(6, 8, 8, 3);
        assertThat(arrays.get("arr_1").dtype()).isEqualTo(DType.I64);
        assertThat(arrays.get("arr_1").longs()).containsExactly(2, 2, 2, 0, 0, 0);
        int[] values = pictures.ints();
        for (int i = 0; i < 6; i++) {
            byte[] bytes = expected(i < 3 ? 2 : 0, i % 3).toBytes();
            for (int j = 0; j < bytes.length; j++) {
                assertThat(values[i * bytes.length + j]).isEqualTo(bytes[j] & 0xff);
            }
        }
        assertThat(files(dir.resolve("also"))).hasSize(6);
        assertThat(files(dir)).containsExactly("also", "file.txt", "folder", "p.npz");
    }

    @Test
    void optionsReachTheSampler() throws IOException {
        GenerateOptions o =
                aim.defaults().withSeed(3).withGuidance(new Guidance(1, 3)).withTemperature(0.5f).withTopK(5)
                        .withTopP(0.9f).withMinP(0.01f).withPrefix(List.of(1, 2, 3));
        generate("-l a --seed 3 --cfg-scale 1 --cfg-scale-end 3 --temperature 0.5 --top-k 5 --top-p 0.9 --min-p 0.01"
                + " --prefix 1,2 --prefix 3 --threads 1 --out DIR/x.png");
        assertThat(png(dir.resolve("x.png"))).isEqualTo(pixels(aim.generate(0, o).getFirst().toImage()));
        generate("-l a --seed 3 --greedy --backend scalar --out DIR/greedy.png");
        generate("-l a --seed 4 --top-k 1 --backend scalar --out DIR/greedy2.png");
        assertThat(png(dir.resolve("greedy.png"))).isEqualTo(png(dir.resolve("greedy2.png")));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "--out DIR/x.png                              | Missing required option: '--label=LABEL",
        "--label a                                    | --out: none given, expected a PNG file or a folder (or --npz)",
        "--label shoe --out DIR/x.png                 | label: shoe (expected 0 to 2, or one of a, b, c)",
        "--label 3 --out DIR/x.png                    | label: 3 (expected 0 to 2",
        "--label -1 --out DIR/x.png                   | label: -1 (expected 0 to 2",
        "--label a,,b --out DIR/x.png                 | label:  (expected 0 to 2",
        "--label a --count 0 --out DIR/x.png          | count: 0 (expected 1 to 10000000)",
        "--label a --count x --out DIR/x.png          | Invalid value for option '--count'",
        "--label all --count 10000000 --npz DIR/x.npz | --count: 10000000 pictures of 3 labels (expected at most",
        "--label a --seed 1.5 --out DIR/x.png         | Invalid value for option '--seed'",
        "--label a --count 2 --out DIR/x.png          | x.png for 2 pictures, expected a folder (or add --grid",
        "--label a --out DIR/x.jpg                    | x.jpg (expected a name that ends in .png, or a folder",
        "--label a --grid --out DIR/x                 | x (expected a name that ends in .png)",
        "--label a --grid --out DIR/folder            | folder is a folder, expected a PNG file with --grid",
        "--label a --out DIR/file.txt                 | file.txt (expected a name that ends in .png, or a folder",
        "--label a --out DIR/no/x.png                 | no such folder, DIR/no (make it first)",
        "--label a --npz DIR/no/x.npz                 | no such folder, DIR/no (make it first)",
        "--label a --npz DIR/folder                   | folder is a folder, expected a file",
        "--label a --npz DIR/x.png --out DIR/./x.png  | x.png is --out too",
        "--label a --zoom 0 --out DIR/x.png           | --zoom: 0 (expected 1 to 64)",
        "--label a --zoom 65 --out DIR/x.png          | --zoom: 65 (expected 1 to 64)",
        "--label a --zoom 64 --count 9999 --grid --out DIR/x.png | pixels (expected at most 100000000 together",
        "--label a --cfg-scale -1 --out DIR/x.png     | cfg-scale: -1.0 to -1.0 (expected 0 to 1000",
        "--label a --cfg-scale NaN --out DIR/x.png    | cfg-scale: NaN",
        "--label a --temperature 0 --out DIR/x.png    | temperature: 0.0 (expected above 0",
        "--label a --top-k -2 --out DIR/x.png         | top-k: -2 (expected 0 for all",
        "--label a --top-k 2 --greedy --out DIR/x.png | --top-k: 2 with --greedy (expected one of the two)",
        "--label a --top-p 1.5 --out DIR/x.png        | top-p: 1.5 (expected above 0, at most 1",
        "--label a --min-p 2 --out DIR/x.png          | min-p: 2.0 (expected 0 to 1",
        "--label a --prefix 1,8 --out DIR/x.png       | --prefix: code 8 (expected 0 to 7)",
        "--label a --prefix -1 --out DIR/x.png        | --prefix: code -1 (expected 0 to 7)",
        "--label a --prefix 0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0 --npz DIR/x.npz --out DIR/y | --prefix: 17 codes (expected at most 16)",
        "--label a --batch 0 --out DIR/x.png          | batch: 0 (expected 1 to 4096)",
        "--label a --threads 0 --out DIR/x.png        | --threads: 0",
        "--label a --backend gpu --out DIR/x.png      | --backend: gpu, expected one of",
        "--label a --gird --out DIR/x.png             | unknown option '--gird'",
    })
    void wrongUsageIsOneLineAndLeavesNothing(String options, String message) throws IOException {
        Outcome o = generate(options);
        assertThat(o.err()).hasLineCount(1).startsWith("aim: generate: ")
                .contains(message.replace("DIR", dir.toString()));
        assertThat(o.exit()).isEqualTo(ExitCode.USAGE);
        assertThat(o.out()).isEmpty();
        assertNothingLeft();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "--label a --model DIR/none --out DIR/x.png       | none: no such file or folder",
        "--label a --model fashoin --out DIR/x.png        | no embedded model of that name (expected a path, or",
        "--label a --model DIR/folder --out DIR/x.png     | no weights in this folder",
        "--label a --model DIR/file.txt --out DIR/x.png   | file.txt: unknown format",
        "--label a --tokenizer DIR/none.pt --out DIR/x.png | none.pt",
    })
    void failuresAreOneLineAndLeaveNothing(String options, String message) throws IOException {
        Outcome o = options.contains("--model")
                ? Outcome.of(Outcome.words(dir, "generate " + options))
                : generate(options);
        assertThat(o.err()).hasLineCount(1).startsWith("aim: ").contains(message);
        assertThat(o.exit()).isEqualTo(ExitCode.FAILED);
        assertThat(o.out()).isEmpty();
        assertNothingLeft();
    }

    @Test
    void progressShowsTokensOnATerminalOnly() {
        Outcome o = Outcome.of(true, Outcome.words(
                dir, "generate --model " + models + "/tiny --label all --count 2 --grid --out DIR/x.png"));
        assertThat(o.out()).isEqualTo(dir + "/x.png\n");
        assertThat(o.err()).contains("generate", "96/96 tokens", "6/6 pictures", "tokens/s");
    }

    @Test
    void anUnfinishedFolderLeavesNothing() throws IOException {
        try (PngFolder folder = new PngFolder(dir.resolve("later"), 2)) {
            folder.add(expected(0, 0));
            assertThat(dir.resolve("later")).doesNotExist();
        }
        try (PngFolder folder = new PngFolder(dir.resolve("folder"), 2)) {
            folder.add(expected(0, 0));
            assertThat(dir.resolve("folder/0-a-0.png")).doesNotExist();
        }
        assertNothingLeft();
        assertThatThrownBy(() -> new GridPng(dir.resolve("x.png"), 2_000_000, 2_000_000, 8, 64))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
