package org.aimjvm.cli.command;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.aimjvm.cli.fetch.AvatarScript;
import org.aimjvm.command.Checkable;
import org.aimjvm.command.Console;
import org.aimjvm.command.ExitCode;
import org.aimjvm.command.Names;
import org.aimjvm.command.OptionChecks;
import org.aimjvm.command.OutputPaths;
import org.aimjvm.command.Progress;
import org.aimjvm.command.Recorded;
import org.aimjvm.command.StopSignal;
import org.aimjvm.io.Images;
import org.aimjvm.io.StagedFolder;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code aim data avatars}: draws cartoon portraits in 15 styles, a folder for each; as many as wanted, exactly
 * labelled. Drawn by DiceBear 9.4.3, whose packages npm installs once; credits are in NOTICE.
 */
@Command(
        name = "avatars",
        description = "Draw cartoon portraits in 15 styles, a folder for each (needs Node.js 18 or newer).",
        footer = {"", "The first call has npm fetch the drawings (10 MB) into the user's cache. Licences: see NOTICE."})
final class AvatarsCommand implements Callable<Integer>, Checkable {
    /** Classes by label; the order of their folders. */
    static final List<String> STYLES = List.of(
            "adventurer", "big-ears", "big-smile", "croodles", "dylan", "fun-emoji", "lorelei", "micah", "miniavs",
            "notionists", "open-peeps", "personas", "pixel-art", "thumbs", "toon-head");

    private static final int MOST = 1_000_000;
    private static final int WORKERS = 2;

    /** Pictures with seeds of their own. */
    enum Part {
        TRAIN, VAL
    }

    @Spec private CommandSpec spec;

    @Option(names = {"-n", "--count"}, defaultValue = "15000", paramLabel = "N",
            description = "Pictures in all, spread evenly over the styles (default: ${DEFAULT-VALUE}).") private int count;

    @Option(names = "--seed", defaultValue = "0", paramLabel = "N",
            description = "Another seed draws other portraits (default: ${DEFAULT-VALUE}).") private long seed;

    @Option(names = "--split", defaultValue = "train", paramLabel = "PART",
            description = "train or val: the two never share a portrait's seed (default: ${DEFAULT-VALUE}).") private Part split;

    @Option(names = "--size", defaultValue = "64", paramLabel = "N",
            description = "Rows and columns (default: ${DEFAULT-VALUE}).") private int size;

    @Recorded(Recorded.As.NOTHING)
    @Option(names = {"-o", "--out"}, required = true, paramLabel = "DIR",
            description = "New folder for the pictures.") private Path out;

    private final Console console;

    AvatarsCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        OptionChecks checks = new OptionChecks(spec).atLeast("--count", count, STYLES.size());
        if (count > MOST) {
            throw checks.usage("--count: " + count + " (expected at most " + MOST + ")");
        }
        if (size < 16 || size > 1024) {
            throw checks.usage("--size: " + size + " (expected 16 to 1024)");
        }
    }

    @Override
    public Integer call() throws IOException {
        check();
        OutputPaths.requireNewFolder(spec, "--out", out);
        AvatarScript script = AvatarScript.installed(
                AvatarScript.userCache(), () -> console.err().println("aim: installing the drawings with npm"));
        return StopSignal.during(console, StopSignal.NOTHING, stop -> draw(script, stop));
    }

    private int draw(AvatarScript script, StopSignal stop) throws IOException {
        try (StagedFolder staged = StagedFolder.into(out);
                Progress progress = console.progress("avatars", count, "img").until(stop)) {
            for (String style : STYLES) {
                Files.createDirectories(staged.folder().resolve(style));
            }
            AtomicLong done = new AtomicLong();
            try (ExecutorService threads = Executors.newFixedThreadPool(WORKERS)) {
                List<Future<?>> parts = new ArrayList<>();
                for (int w = 0; w < WORKERS; w++) {
                    int[] mine = IntStream.iterate(w, i -> i < count, i -> i + WORKERS).toArray();
                    parts.add(threads.submit(() -> draw(script, staged.folder(), mine, () -> {
                        stop.check();
                        synchronized (progress) {
                            progress.to(done.incrementAndGet());
                        }
                    })));
                }
                for (Future<?> part : parts) {
                    part.get();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException("avatars: interrupted", e);
            } catch (ExecutionException e) {
                throw unwrapped(e.getCause());
            }
            staged.commit();
        }
        console.out().printf(Locale.ROOT, "%s: %d pictures of %d styles%n", out, count, STYLES.size());
        return ExitCode.OK;
    }

    private static IOException unwrapped(Throwable cause) {
        return switch (cause) {
            case UncheckedIOException e -> e.getCause();
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> new IOException(cause);
        };
    }

    /** Draws the pictures of these numbers; a picture depends on seed, part, style and its number in it alone. */
    private void draw(AvatarScript script, Path folder, int[] numbers, Runnable drawn) {
        List<String> requests = IntStream.of(numbers).mapToObj(this::request).toList();
        try (AvatarScript.Drawing drawing = script.draw(size, requests)) {
            for (int number : numbers) {
                String style = STYLES.get(number % STYLES.size());
                String name = String.format(Locale.ROOT, "%06d.png", number / STYLES.size());
                Images.writePng(folder.resolve(style).resolve(name), picture(drawing.next()));
                drawn.run();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String request(int number) {
        return STYLES.get(number % STYLES.size()) + " " + Names.of(split) + "/" + seed + "/"
                + number / STYLES.size();
    }

    private BufferedImage picture(byte[] rgba) {
        BufferedImage image = new BufferedImage(size, size, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < size * size; i++) {
            int rgb = (rgba[4 * i] & 0xff) << 16 | (rgba[4 * i + 1] & 0xff) << 8 | rgba[4 * i + 2] & 0xff;
            image.setRGB(i % size, i / size, rgb);
        }
        return image;
    }
}
