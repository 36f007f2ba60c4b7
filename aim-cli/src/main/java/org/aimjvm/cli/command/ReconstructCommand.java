package org.aimjvm.cli.command;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import org.aimjvm.backend.Shape;
import org.aimjvm.command.ComputeOptions;
import org.aimjvm.command.Console;
import org.aimjvm.command.ErrorReport;
import org.aimjvm.command.ExitCode;
import org.aimjvm.command.Progress;
import org.aimjvm.command.Tokenizer;
import org.aimjvm.data.Pictures;
import org.aimjvm.io.Images;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.VqModel;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code aim reconstruct}: pictures through the tokenizer and back. */
@Command(
        name = "reconstruct",
        description = "Encode pictures with a model's tokenizer, decode them again, and tell how close they come.",
        footer = {"", "PSNR is 10 log10(4 / mean squared error) of pixels in [-1, 1], in dB; higher is closer."})
public final class ReconstructCommand implements Callable<Integer> {
    private static final int PADDING = 2;

    @Spec private CommandSpec spec;

    @Option(
            names = {"-m", "--model"},
            defaultValue = "fashion",
            paramLabel = "MODEL",
            description = "Model folder, file of weights, or name of an embedded model (default: ${DEFAULT-VALUE}).") private String model;

    @Parameters(arity = "1..*", paramLabel = "IN",
            description = "Pictures: PNG, JPEG, BMP, GIF or WebP files.") private List<
                    Path> in;

    @Option(
            names = {"-o", "--out"},
            required = true,
            paramLabel = "PATH",
            description = "PNG file, or for several pictures a folder, which gets a PNG of the same name for each.") private Path out;

    @Option(
            names = "--size",
            paramLabel = "N",
            description = "Resize the short side to N and take the middle N x N (default: as it is, sides cut to what the tokenizer "
                    + "can divide).") private Integer size;

    @Option(names = "--compare", description = "Put the original on the left of each.") private boolean compare;

    @Mixin private ComputeOptions compute;

    private final Console console;

    ReconstructCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws IOException {
        boolean toFolder = in.size() > 1 || Files.isDirectory(out);
        checkPaths(toFolder);
        Tokenizer tokenizer = Tokenizer.read(model, compute.backend(console));
        VqModel codec = tokenizer.model();
        int f = codec.config().downsampling();
        if (size != null && (size < f || size % f != 0)) {
            throw usage("--size: " + size + " (expected a multiple of " + f + ", this tokenizer's pixels a code)");
        }
        List<Path> good = withinLimits(ReconstructLimits.of(codec.config(), codec.backend()), f);
        int done = 0;
        double sum = 0;
        try (Scope _ = Scope.inference(); Progress progress = console.progress("reconstruct", good.size(), "img")) {
            for (Path file : good) {
                try {
                    sum += write(codec, file, toFolder ? out.resolve(pngName(file)) : out);
                    done++;
                } catch (IOException e) {
                    console.err().println(ErrorReport.failure(e)); // names the file; the others may be whole
                }
                progress.advance(1);
            }
        }
        if (done > 1) {
            console.out().printf(Locale.ROOT, "mean of %d PSNR %.2f dB%n", done, sum / done);
        }
        if (done < in.size() && in.size() > 1) {
            console.err().println("aim: " + (in.size() - done) + " of " + in.size() + " pictures failed");
        }
        return done == in.size() ? ExitCode.OK : ExitCode.FAILED;
    }

    /**
     * Those of the pictures that are not too large, as far as their headers tell; says of each other one what is wrong.
     */
    private List<Path> withinLimits(ReconstructLimits limits, int f) {
        if (size != null) {
            String problem = limits.problem(size, size);
            if (problem != null) {
                throw usage("--size: " + problem);
            }
            return in;
        }
        return in.stream().filter(file -> {
            int[] sides = sides(file);
            String problem = sides == null ? null : limits.problem(sides[0] / f * f, sides[1] / f * f);
            if (problem != null) {
                console.err().println("aim: " + file + ": " + problem);
            }
            return problem == null;
        }).toList();
    }

    /** Columns and rows by the header; {@code null} if it tells none, which then shows when the picture is read. */
    private static int[] sides(Path file) {
        try (ImageInputStream header = ImageIO.createImageInputStream(file.toFile())) {
            Iterator<ImageReader> readers = ImageIO.getImageReaders(header);
            if (!readers.hasNext()) {
                return null;
            }
            ImageReader reader = readers.next();
            try {
                reader.setInput(header, true, true);
                return new int[] {reader.getWidth(0), reader.getHeight(0)};
            } finally {
                reader.dispose();
            }
        } catch (IOException | RuntimeException _) { // damaged headers end in either
            return null;
        }
    }

    /** Writes the reconstruction of a picture and returns its PSNR. */
    private double write(VqModel codec, Path file, Path target) throws IOException {
        BufferedImage original = fitted(file, codec.config().downsampling());
        Reconstruction r = reconstruct(codec, original);
        Images.writePng(target, compare ? Images.grid(List.of(original, r.picture), 2, PADDING) : r.picture);
        console.out().printf(Locale.ROOT, "%s PSNR %.2f dB%n", target, r.psnr);
        return r.psnr;
    }

    private void checkPaths(boolean toFolder) {
        if (toFolder && Files.exists(out) && !Files.isDirectory(out)) {
            throw usage("--out: " + out + " is a file, expected a folder for " + in.size() + " pictures");
        }
        Set<String> names = new HashSet<>();
        for (Path file : in) {
            if (!Files.isRegularFile(file)) {
                throw usage("IN: " + file + ", expected a picture file");
            }
            Path target = toFolder ? out.resolve(pngName(file)) : out;
            if (target.toAbsolutePath().normalize().equals(file.toAbsolutePath().normalize())) {
                throw usage("--out: would replace the original " + file + " (name another folder)");
            }
            if (toFolder && !names.add(pngName(file))) {
                throw usage("IN: two pictures called " + pngName(file) + ", expected different names for one folder");
            }
        }
    }

    private static String pngName(Path file) {
        return file.getFileName().toString().replaceFirst("\\.[^.]*$", "") + ".png";
    }

    private BufferedImage fitted(Path file, int f) throws IOException {
        BufferedImage image = Images.read(file);
        if (size != null) {
            return Images.centerCrop(Images.resizeShortSide(image, size), size, size);
        }
        int width = image.getWidth() / f * f;
        int height = image.getHeight() / f * f;
        if (width == 0 || height == 0) {
            throw new IOException(file + ": " + image.getWidth() + " x " + image.getHeight()
                    + " pixels, expected at least " + f + " x " + f + " (enlarge it with --size)");
        }
        return Images.centerCrop(image, width, height);
    }

    private record Reconstruction(BufferedImage picture, double psnr) {}

    private static Reconstruction reconstruct(VqModel tokenizer, BufferedImage original) {
        int f = tokenizer.config().downsampling();
        int height = original.getHeight();
        int width = original.getWidth();
        float[] x = Images.toFloats(original, tokenizer.config().inChannels());
        try (Scope _ = Scope.inference()) {
            Shape shape = Shape.of(1, tokenizer.config().inChannels(), height, width);
            Tensor codes = tokenizer.encode(Tensor.of(tokenizer.backend(), shape, x));
            float[] y = tokenizer.decode(codes, 1, height / f, width / f).toFloats();
            int channels = tokenizer.config().outChannels();
            return new Reconstruction(
                    Images.fromFloats(y, 0, channels, height, width), Pictures.psnr(x, y, 0, x.length));
        }
    }

    private ParameterException usage(String message) {
        return new ParameterException(spec.commandLine(), message);
    }
}
