package org.aimjvm.cli.command;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.aimjvm.cli.fetch.Download;
import org.aimjvm.cli.fetch.GzipFile;
import org.aimjvm.command.Console;
import org.aimjvm.command.ExitCode;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import org.aimjvm.command.Recorded;

/**
 * {@code aim data fashion-mnist}: puts the four official files into a folder, from another folder or over HTTP, and
 * checks their contents. What is there and right is kept, so an interrupted run is finished by running it again.
 *
 * <p>Data: Xiao, Rasul, Vollgraf 2017, arXiv 1708.07747; 60,000 + 10,000 pictures of 28x28 grey pixels, ten classes.
 */
@Command(
        name = "fashion-mnist",
        description = "Fetch Fashion-MNIST (30 MB: 60,000 training and 10,000 test pictures of clothes, MIT licence).",
        footer = {"",
            "Without --from and --url, a copy installed by the system (Debian's package dataset-fashion-mnist)"
                    + " is used where there is one."})
final class FashionMnistCommand implements Callable<Integer> {
    private static final Path SYSTEM_COPY = Path.of("/usr/share/datasets/fashion-mnist");

    /** The contents' digests, not those of the .gz files: distributions compress the same contents anew. */
    private static final List<GzipFile> FILES = List.of(
            new GzipFile("train-images-idx3-ubyte.gz", 47_040_016,
                    "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
            new GzipFile("train-labels-idx1-ubyte.gz", 60_008,
                    "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
            new GzipFile("t10k-images-idx3-ubyte.gz", 7_840_016,
                    "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
            new GzipFile("t10k-labels-idx1-ubyte.gz", 10_008,
                    "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"));

    private final Console console;

    @ArgGroup(exclusive = true) private Source source = new Source();

    /** Where the files come from. */
    private static final class Source {
        @Recorded(Recorded.As.NOTHING)
        @Option(names = "--from", paramLabel = "DIR",
                description = "Copy the four .gz files from this folder.") private Path from;

        @Recorded(Recorded.As.NOTHING)
        @Option(
                names = "--url",
                paramLabel = "URL",
                description = "Fetch the four .gz files from below this address; the official one is "
                        + OFFICIAL) private URI url;
    }

    private static final String OFFICIAL = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/";

    @Recorded(Recorded.As.NOTHING)
    @Option(
            names = "--out",
            paramLabel = "DIR",
            defaultValue = "data/fashion-mnist",
            description = "Folder to put them into (default: ${DEFAULT-VALUE}).") private Path out;

    FashionMnistCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        Files.createDirectories(out);
        int kept = 0;
        for (GzipFile file : FILES) {
            Path target = out.resolve(file.name());
            if (Files.exists(target)) {
                if (file.problem(target) == null) {
                    kept++;
                    continue;
                }
                console.remark("%s: damaged, fetching it again", target);
            }
            fetch(file, target);
        }
        console.out().printf(Locale.ROOT, "%s: %d files verified, %d new, %d kept%n", out, FILES.size(),
                FILES.size() - kept, kept);
        return ExitCode.OK;
    }

    private void fetch(GzipFile file, Path target) throws IOException, InterruptedException {
        Path from = source.from != null ? source.from
                : source.url == null && Files.isDirectory(SYSTEM_COPY) ? SYSTEM_COPY : null;
        Path part = target.resolveSibling(file.name() + ".part");
        if (from != null) {
            Path original = from.resolve(file.name());
            file.check(original);
            Files.copy(original, part, StandardCopyOption.REPLACE_EXISTING);
            Files.move(part, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            return;
        }
        URI address = folder(source.url != null ? source.url : URI.create(OFFICIAL)).resolve(file.name());
        Download download = new Download(console, Download.STALL);
        boolean resumed = download.fetch(address, part);
        if (resumed && file.problem(part) != null) { // the rest of some other file
            Files.delete(part);
            download.fetch(address, part);
        }
        String problem = file.problem(part);
        if (problem != null) {
            Files.delete(part);
            throw new IOException(address + ": " + problem
                    + " (is it the official file? try another --url, or --from)");
        }
        Files.move(part, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /** {@code address} as a folder, so that a file name resolves below it and not beside it. */
    private static URI folder(URI address) {
        String scheme = String.valueOf(address.getScheme());
        if (!scheme.equals("http") && !scheme.equals("https")) {
            throw new IllegalArgumentException("--url: " + address + ", expected an address with http or https");
        }
        return address.toString().endsWith("/") ? address : URI.create(address + "/");
    }
}
