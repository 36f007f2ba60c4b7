package org.aimjvm.cli;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.aimjvm.AiM;
import org.aimjvm.GenerateOptions;
import org.aimjvm.Picture;
import org.aimjvm.io.Images;
import org.aimjvm.io.Npz;
import org.aimjvm.sample.GenerationListener;
import org.aimjvm.sample.Guidance;
import org.aimjvm.tensor.Backend;
import org.aimjvm.tensor.DType;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code aim generate}: pictures from labels. */
@Command(name = "generate", description = "Make pictures of a class.")
final class GenerateCommand implements Callable<Integer> {
    private static final int GRID_PADDING = 2;

    @Spec private CommandSpec spec;

    @Mixin private ComputeOptions compute;

    @Option(
            names = {"-m", "--model"},
            defaultValue = "fashion",
            paramLabel = "MODEL",
            description = "Checkpoint folder, file of weights, or name of an embedded model (default: ${DEFAULT-VALUE}).") private String model;

    @Option(
            names = "--tokenizer",
            paramLabel = "PATH",
            description = "Folder or file of the tokenizer, if it is not with the model.") private Path tokenizer;

    @Option(
            names = {"-l", "--label"},
            required = true,
            split = ",",
            paramLabel = "LABEL",
            description = "Class name or number; several with commas, or 'all'.") private List<String> labels;

    @Option(
            names = {"-n", "--count"},
            defaultValue = "1",
            paramLabel = "N",
            description = "Pictures of each label (default: ${DEFAULT-VALUE}).") private int count;

    @Option(
            names = "--seed",
            defaultValue = "0",
            paramLabel = "N",
            description = "Seed of the first picture of a label; the next take the next numbers (default: ${DEFAULT-VALUE}).") private long seed;

    @Option(
            names = {"-o", "--out"},
            paramLabel = "PATH",
            description = "PNG file; for several pictures a folder, or a file with --grid.") private Path out;

    @Option(names = "--grid", description = "All pictures in one PNG, a row for each label.") private boolean grid;

    @Option(
            names = "--zoom",
            defaultValue = "1",
            paramLabel = "N",
            description = "Enlarge PNGs N times, without smoothing (default: ${DEFAULT-VALUE}).") private int zoom;

    @Option(
            names = "--npz",
            paramLabel = "FILE",
            description = "NumPy archive: arr_0 uint8 (N, H, W, 3), arr_1 int64 labels, for the usual evaluation scripts.") private Path npz;

    @Option(
            names = "--cfg-scale",
            paramLabel = "S",
            description = "Guidance: uncond + S (cond - uncond); 1 is none (default: the model's).") private Float cfgScale;

    @Option(
            names = "--cfg-scale-end",
            paramLabel = "S",
            description = "Guidance at the last token, reached linearly from --cfg-scale (default: the same).") private Float cfgScaleEnd;

    @Option(names = "--temperature", paramLabel = "T",
            description = "Divides the logits (default: the model's).") private Float temperature;

    @Option(names = "--top-k", paramLabel = "K",
            description = "Draw from the K most probable codes; 0 is all.") private Integer topK;

    @Option(
            names = "--top-p",
            paramLabel = "P",
            description = "Draw from the most probable codes that make up P; 1 is all.") private Float topP;

    @Option(
            names = "--min-p",
            paramLabel = "P",
            description = "Leave out codes less probable than P times the most probable one; 0 is none.") private Float minP;

    @Option(names = "--greedy",
            description = "Always the most probable code, the same as --top-k 1.") private boolean greedy;

    @Option(
            names = "--prefix",
            split = ",",
            paramLabel = "CODE",
            description = "Codes forced at the start of each picture, in raster order.") private List<Integer> prefix;

    @Option(
            names = "--batch",
            paramLabel = "N",
            description = "Pictures made side by side; changes speed and memory, not the pictures (default: 8).") private Integer batch;

    private final Console console;

    GenerateCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws IOException {
        checkOutputs();
        ComputeOptions.checked(spec, () -> options(GenerateOptions.DEFAULT)); // before a large model is read
        Backend backend = compute.backend(console);
        AiM aim = tokenizer == null
                ? AiM.load(model, backend)
                : AiM.load(Path.of(model), tokenizer, backend);
        GenerateOptions options = ComputeOptions.checked(spec, () -> options(aim.info().defaults()));
        List<Integer> wanted = ComputeOptions.checked(spec, () -> labels(aim));
        int total = wanted.size() * options.count();
        checkPictureCount(total);
        List<Picture> pictures = generate(aim, wanted, options, total);
        write(pictures, wanted.size());
        return Aim.OK;
    }

    private GenerateOptions options(GenerateOptions defaults) {
        if (greedy && topK != null && topK != 1) {
            throw new IllegalArgumentException("--top-k: " + topK + " with --greedy (expected one of the two)");
        }
        if (zoom < 1 || zoom > 64) {
            throw new IllegalArgumentException("--zoom: " + zoom + " (expected 1 to 64)");
        }
        GenerateOptions o = defaults.withCount(count).withSeed(seed);
        if (cfgScale != null || cfgScaleEnd != null) {
            float first = cfgScale != null ? cfgScale : o.guidance().first();
            o = o.withGuidance(new Guidance(first, cfgScaleEnd != null ? cfgScaleEnd : first));
        }
        o = temperature != null ? o.withTemperature(temperature) : o;
        o = topK != null ? o.withTopK(topK) : o;
        o = greedy ? o.withTopK(1) : o;
        o = topP != null ? o.withTopP(topP) : o;
        o = minP != null ? o.withMinP(minP) : o;
        o = prefix != null ? o.withPrefix(prefix) : o;
        return batch != null ? o.withBatchSize(batch) : o;
    }

    private List<Integer> labels(AiM aim) {
        Set<Integer> wanted = new LinkedHashSet<>();
        for (String label : labels) {
            if (label.strip().equalsIgnoreCase("all")) {
                IntStream.range(0, aim.numClasses()).forEach(wanted::add);
            } else {
                wanted.add(aim.label(label));
            }
        }
        return List.copyOf(wanted);
    }

    private void checkOutputs() {
        if (out == null && npz == null) {
            throw new ParameterException(spec.commandLine(),
                    "--out: none given, expected a PNG file or a folder (or --npz)");
        }
        for (Path file : new Path[] {out, npz}) {
            Path parent = file == null ? null : file.toAbsolutePath().getParent();
            if (parent != null && !Files.isDirectory(parent)) {
                throw new ParameterException(spec.commandLine(),
                        file + ": no such folder, " + parent + " (make it first)");
            }
        }
        if (npz != null && Files.isDirectory(npz)) {
            throw new ParameterException(spec.commandLine(), "--npz: " + npz + " is a folder, expected a file");
        }
        if (grid && out != null && Files.isDirectory(out)) {
            throw new ParameterException(spec.commandLine(),
                    "--out: " + out + " is a folder, expected a PNG file with --grid");
        }
    }

    private void checkPictureCount(int total) {
        if (out != null && total > 1 && !grid && !Files.isDirectory(out)
                && out.getFileName().toString().toLowerCase(Locale.ROOT).endsWith(".png")) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--out: " + out + " for " + total + " pictures, expected a folder (or add --grid for one file)");
        }
    }

    private List<Picture> generate(AiM aim, List<Integer> wanted, GenerateOptions options, int total) {
        long tokens = (long) total * aim.model().config().numTokens();
        try (Progress progress = console.progress("generate", tokens, "tokens")) {
            GenerationListener listener = new GenerationListener() {
                private long done;

                @Override
                public void onToken(int picture, int position, int token) {
                    progress.to(++done);
                }
            };
            return aim.generate(wanted, options, listener);
        }
    }

    private void write(List<Picture> pictures, int rows) throws IOException {
        if (npz != null) {
            writeNpz(pictures);
            console.out().println(npz);
        }
        if (out == null) {
            return;
        }
        if (grid) {
            int columns = rows > 1 ? pictures.size() / rows : (int) Math.ceil(Math.sqrt(pictures.size()));
            List<BufferedImage> images = pictures.stream().map(p -> enlarged(p.toImage())).toList();
            Images.writePng(out, Images.grid(images, columns, GRID_PADDING * zoom));
            console.out().println(out);
        } else if (pictures.size() == 1 && !Files.isDirectory(out)) {
            Images.writePng(out, enlarged(pictures.getFirst().toImage()));
            console.out().println(out);
        } else {
            Files.createDirectories(out);
            for (Picture p : pictures) {
                String name = p.className().replaceAll("[^A-Za-z0-9]+", "-") + "-" + p.seed() + ".png";
                Images.writePng(out.resolve(name), enlarged(p.toImage()));
                console.out().println(out.resolve(name));
            }
        }
    }

    private BufferedImage enlarged(BufferedImage image) {
        if (zoom == 1) {
            return image;
        }
        BufferedImage large =
                new BufferedImage(image.getWidth() * zoom, image.getHeight() * zoom, BufferedImage.TYPE_INT_RGB);
        for (int y = 0; y < large.getHeight(); y++) {
            for (int x = 0; x < large.getWidth(); x++) {
                large.setRGB(x, y, image.getRGB(x / zoom, y / zoom));
            }
        }
        return large;
    }

    private void writeNpz(List<Picture> pictures) {
        int[] dims = {pictures.size(), pictures.getFirst().height(), pictures.getFirst().width(), 3};
        long[] numbers = pictures.stream().mapToLong(Picture::label).toArray();
        Npz.write(npz, archive -> {
            archive.add("arr_0", DType.U8, dims, stream -> {
                for (Picture p : pictures) {
                    stream.write(rgbBytes(p.toImage()));
                }
            });
            archive.add("arr_1", new int[] {numbers.length}, numbers);
        });
    }

    private static byte[] rgbBytes(BufferedImage image) {
        byte[] bytes = new byte[image.getHeight() * image.getWidth() * 3];
        int at = 0;
        for (int y = 0; y < image.getHeight(); y++) {
            for (int x = 0; x < image.getWidth(); x++) {
                int rgb = image.getRGB(x, y);
                bytes[at++] = (byte) (rgb >> 16);
                bytes[at++] = (byte) (rgb >> 8);
                bytes[at++] = (byte) rgb;
            }
        }
        return bytes;
    }
}
