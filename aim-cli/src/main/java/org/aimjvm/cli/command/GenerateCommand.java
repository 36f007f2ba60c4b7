package org.aimjvm.cli.command;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import org.aimjvm.AiM;
import org.aimjvm.GenerateOptions;
import org.aimjvm.LoadOptions;
import org.aimjvm.Picture;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.DType;
import org.aimjvm.cli.output.GridPng;
import org.aimjvm.cli.output.PictureOutput;
import org.aimjvm.cli.output.PngFolder;
import org.aimjvm.command.ComputeOptions;
import org.aimjvm.command.Console;
import org.aimjvm.command.ExitCode;
import org.aimjvm.command.Progress;
import org.aimjvm.command.StatesOption;
import org.aimjvm.command.StopSignal;
import org.aimjvm.command.WeightsOption;
import org.aimjvm.io.Npz;
import org.aimjvm.sample.GeneratedPicture;
import org.aimjvm.sample.GenerationListener;
import org.aimjvm.sample.GenerationRequest;
import org.aimjvm.sample.Guidance;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code aim generate}: pictures from labels. */
@Command(name = "generate", description = "Make pictures of a class.")
public final class GenerateCommand implements Callable<Integer> {
    private static final int MAX_ZOOM = 64;
    /** Endings that promise another format than PNG. */
    private static final Pattern OTHER_FORMAT =
            Pattern.compile("(?i).*\\.(jpe?g|gif|bmp|webp|tiff?|npz|safetensors)");

    @Spec private CommandSpec spec;

    @Mixin private ComputeOptions compute;

    @Mixin private WeightsOption weights;

    @Mixin private StatesOption states;

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
            paramLabel = "LABEL[,LABEL...]",
            description = "Class name or number; several with commas, or 'all'. A name may have commas of its own.") private List<
                    String> labels;

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
            description = "PNG file, name ending in .png; or a folder, which gets a file for each picture: LABEL-NAME-SEED.png.") private Path out;

    @Option(names = "--grid", description = "All pictures in one PNG file, a row for each label.") private boolean grid;

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

    @Option(
            names = "--timing",
            description = "Say on standard error how long after the start of the JVM the first code, the first picture and all"
                    + " pictures were there.") private boolean timing;

    private final Console console;

    GenerateCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws IOException {
        checkOutputs();
        ComputeOptions.checked(spec, () -> options(GenerateOptions.DEFAULT)); // before a large model is read
        Backend backend = compute.backend(console, states.format());
        AiM aim = AiM.load(
                model,
                LoadOptions.DEFAULT.withBackend(backend).withWeights(weights.format()).withStates(states.format())
                        .withTokenizer(tokenizer));
        GenerateOptions options = ComputeOptions.checked(spec, () -> options(aim.defaults()));
        List<Integer> wanted = ComputeOptions.checked(spec, () -> labels(aim));
        checkPrefix(aim);
        int total = checkedTotal(wanted.size(), options.count());
        return StopSignal.during(
                console, StopSignal.NOTHING, stop -> generate(aim, wanted, options, total, stop));
    }

    private GenerateOptions options(GenerateOptions defaults) {
        if (greedy && topK != null && topK != 1) {
            throw new IllegalArgumentException("--top-k: " + topK + " with --greedy (expected one of the two)");
        }
        if (zoom < 1 || zoom > MAX_ZOOM) {
            throw new IllegalArgumentException("--zoom: " + zoom + " (expected 1 to " + MAX_ZOOM + ")");
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
        labels.forEach(text -> wanted.addAll(aim.labels(text)));
        return List.copyOf(wanted);
    }

    private void checkPrefix(AiM aim) {
        int places = aim.model().config().numTokens();
        int vocab = aim.model().config().vocabSize();
        if (prefix != null && prefix.size() > places) {
            throw usage("--prefix: " + prefix.size() + " codes (expected at most " + places + ")");
        }
        for (int code : prefix == null ? List.<Integer>of() : prefix) {
            if (code < 0 || code >= vocab) {
                throw usage("--prefix: code " + code + " (expected 0 to " + (vocab - 1) + ")");
            }
        }
    }

    private void checkOutputs() {
        if (out == null && npz == null) {
            throw usage("--out: none given, expected a PNG file or a folder (or --npz)");
        }
        if (out != null && npz != null && out.toAbsolutePath().normalize().equals(npz.toAbsolutePath().normalize())) {
            throw usage("--npz: " + npz + " is --out too (expected two files)");
        }
        checkPlace("--out", out);
        checkPlace("--npz", npz);
        if (npz != null && Files.isDirectory(npz)) {
            throw usage("--npz: " + npz + " is a folder, expected a file");
        }
        if (out == null || Files.isDirectory(out) && !grid) {
            return;
        }
        if (Files.isDirectory(out)) {
            throw usage("--out: " + out + " is a folder, expected a PNG file with --grid");
        }
        if (!isPng(out) && (grid || Files.exists(out) || OTHER_FORMAT.matcher(out.toString()).matches())) {
            throw usage("--out: " + out + " (expected a name that ends in .png"
                    + (grid ? "" : ", or a folder for a file each") + ")");
        }
    }

    private void checkPlace(String option, Path file) {
        Path parent = file == null ? null : file.toAbsolutePath().normalize().getParent();
        if (parent != null && !Files.isDirectory(parent)) {
            throw usage(option + ": " + file + ": no such folder, " + parent + " (make it first)");
        }
        if (parent != null && !Files.isWritable(Files.isDirectory(file) ? file : parent)) {
            throw usage(option + ": " + file + ": cannot be written there");
        }
    }

    private static boolean isPng(Path file) {
        return file.toString().toLowerCase(Locale.ROOT).endsWith(".png");
    }

    private int checkedTotal(int rows, int each) {
        long total = (long) rows * each;
        if (total > GenerationRequest.MAX_PICTURES) {
            throw usage("--count: " + each + " pictures of " + rows + " labels (expected at most "
                    + GenerationRequest.MAX_PICTURES + " together)");
        }
        if (out != null && total > 1 && !grid && !Files.isDirectory(out) && isPng(out)) {
            throw usage(
                    "--out: " + out + " for " + total + " pictures, expected a folder (or add --grid for one file)");
        }
        return (int) total;
    }

    /** Where the PNGs go, {@code null} if nowhere. */
    private PictureOutput pngs(AiM aim, int rows, int total) throws IOException {
        if (out == null) {
            return null;
        }
        if (!isPng(out) || Files.isDirectory(out)) {
            return new PngFolder(out, zoom);
        }
        int columns = rows > 1 ? total / rows : (int) Math.ceil(Math.sqrt(total));
        return ComputeOptions.checked(spec, () -> new GridPng(out, total, columns, aim.pictureSize(), zoom));
    }

    private int generate(AiM aim, List<Integer> wanted, GenerateOptions options, int total, StopSignal stop)
            throws IOException {
        try (PictureOutput pngs = pngs(aim, wanted.size(), total)) {
            generate(aim, wanted, options, total, pngs, stop);
            return ExitCode.OK;
        }
    }

    private void generate(
            AiM aim, List<Integer> wanted, GenerateOptions options, int total, PictureOutput pngs, StopSignal stop)
            throws IOException {
        Times times = new Times();
        try (Progress progress =
                console.progress("generate", (long) total * aim.model().config().numTokens(), "tokens")) {
            GenerationListener listener = new GenerationListener() {
                private long done;

                @Override
                public void onToken(int picture, int position, int token) {
                    if (done == 0) {
                        times.firstCode = System.currentTimeMillis();
                    }
                    progress.to(++done);
                }

                @Override
                public void onPicture(int picture, GeneratedPicture result) {
                    if (picture == 0) {
                        times.firstPicture = System.currentTimeMillis();
                    }
                    progress.note((picture + 1) + "/" + total + " pictures");
                }

                @Override
                public boolean isCancelled() {
                    return stop.isRequested();
                }
            };
            Consumer<Picture> toPngs = picture -> uncheck(out, () -> {
                if (pngs != null) {
                    pngs.add(picture);
                }
            });
            if (npz == null) {
                aim.generateEach(wanted, options, listener, toPngs);
            } else {
                writeNpz(aim, wanted, options, listener, toPngs);
            }
        }
        if (npz != null) {
            console.out().println(npz);
        }
        if (pngs != null) {
            pngs.commit().forEach(console.out()::println);
        }
        if (timing) {
            times.tell(console, total);
        }
    }

    /** When things were there. */
    private static final class Times {
        private long firstCode;
        private long firstPicture;

        /** The management classes that know when the JVM started take a while to load, so they come last. */
        void tell(Console console, int total) {
            long now = System.currentTimeMillis();
            long start = ManagementFactory.getRuntimeMXBean().getStartTime();
            console.err().println(String.format(
                    Locale.ROOT, "aim: first code after %.2f s, first picture after %.2f s, all %d after %.2f s",
                    1e-3 * (firstCode - start), 1e-3 * (firstPicture - start), total, 1e-3 * (now - start)));
        }
    }

    /** Generates while the archive is written, so that no more than a batch of pictures is in memory. */
    private void writeNpz(
            AiM aim, List<Integer> wanted, GenerateOptions options, GenerationListener listener,
            Consumer<Picture> toPngs) {
        int each = options.count();
        int[] dims = {wanted.size() * each, aim.pictureSize(), aim.pictureSize(), 3};
        long[] numbers = wanted.stream().flatMapToLong(label -> LongStream.generate(() -> label).limit(each)).toArray();
        Npz.write(npz, archive -> {
            archive.add("arr_0", DType.U8, dims, bytes -> aim.generateEach(wanted, options, listener, picture -> {
                uncheck(npz, () -> bytes.write(picture.toBytes()));
                toPngs.accept(picture);
            }));
            archive.add("arr_1", new int[] {numbers.length}, numbers);
        });
    }

    private interface Writing {
        void run() throws IOException;
    }

    private static void uncheck(Path target, Writing writing) {
        try {
            writing.run();
        } catch (IOException e) {
            // without the name it has until the end
            IOException why = e.getCause() instanceof IOException cause ? cause : e;
            throw new UncheckedIOException(new IOException(target + ": cannot be written: " + why.getMessage(), e));
        }
    }

    private ParameterException usage(String message) {
        return new ParameterException(spec.commandLine(), message);
    }
}
