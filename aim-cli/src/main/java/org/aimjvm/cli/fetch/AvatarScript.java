package org.aimjvm.cli.fetch;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.aimjvm.io.Sha256;
import org.aimjvm.io.StagedFolder;

/**
 * The script that draws portraits, with the packages it needs: installed once by npm into a folder of the user's cache,
 * at exactly the versions and with the checksums that its lock file names.
 */
public final class AvatarScript {
    private static final List<String> FILES = List.of("package.json", "package-lock.json", "draw.mjs");
    private static final int LEAST_NODE = 18;
    private static final int SHOWN_OUTPUT = 300;

    private final Path folder;
    private final String node;

    private AvatarScript(Path folder, String node) {
        this.folder = folder;
        this.node = node;
    }

    /**
     * The script, installed if it is not yet.
     *
     * @param cache folder to install into
     * @param installing told before npm is run, which downloads about 10 MB
     * @throws IOException if Node is missing or too old, or npm fails: says what to do
     */
    public static AvatarScript installed(Path cache, Runnable installing) throws IOException {
        return installed(cache, installing, "node", "npm");
    }

    /** As {@link #installed(Path, Runnable)} with these programs. */
    static AvatarScript installed(Path cache, Runnable installing, String node, String npm) throws IOException {
        requireNode(node);
        Map<String, byte[]> files = new LinkedHashMap<>();
        for (String name : FILES) {
            try (InputStream in = AvatarScript.class.getResourceAsStream("/org/aimjvm/cli/avatars/" + name)) {
                if (in == null) {
                    throw new IllegalStateException("avatars/" + name + ": missing from the jar");
                }
                files.put(name, in.readAllBytes());
            }
        }
        StringBuilder digests = new StringBuilder();
        files.values().forEach(bytes -> digests.append(Sha256.ofBytes(bytes)));
        String version = Sha256.ofBytes(digests.toString().getBytes(StandardCharsets.US_ASCII)).substring(0, 16);
        Path folder = cache.resolve("avatars-" + version);
        if (!Files.isDirectory(folder)) {
            installing.run();
            install(folder, files, npm);
        }
        return new AvatarScript(folder, node);
    }

    /** The cache of this user: {@code XDG_CACHE_HOME/aim}, or {@code .cache/aim} in the home folder. */
    public static Path userCache() {
        String cache = System.getenv("XDG_CACHE_HOME");
        Path base = cache != null && Path.of(cache).isAbsolute()
                ? Path.of(cache)
                : Path.of(System.getProperty("user.home"), ".cache");
        return base.resolve("aim");
    }

    private static void requireNode(String node) throws IOException {
        String version = output(null, List.of(node, "--version"), "node").strip();
        String major = version.replaceAll("^v(\\d+)\\..*$", "$1");
        if (!major.matches("\\d{1,4}") || Integer.parseInt(major) < LEAST_NODE) {
            throw new IOException("node: version " + version + ", expected " + LEAST_NODE
                    + " or newer (portraits are drawn by Node.js: install it from your system's packages)");
        }
    }

    private static void install(Path folder, Map<String, byte[]> files, String npm) throws IOException {
        Files.createDirectories(folder.getParent());
        Path part = Files.createTempDirectory(folder.getParent(), "avatars-part-");
        try {
            for (Map.Entry<String, byte[]> file : files.entrySet()) {
                Files.write(part.resolve(file.getKey()), file.getValue());
            }
            output(part, List.of(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"),
                    "npm");
            try {
                Files.move(part, folder, StandardCopyOption.ATOMIC_MOVE);
            } catch (FileAlreadyExistsException | DirectoryNotEmptyException | AtomicMoveNotSupportedException e) {
                if (!Files.isDirectory(folder)) { // else another process was faster, with the same files
                    throw e;
                }
            }
        } finally {
            StagedFolder.delete(part);
        }
    }

    /** What a program prints. */
    private static String output(Path where, List<String> command, String name) throws IOException {
        Process process;
        try {
            process = new ProcessBuilder(command)
                    .directory(where == null ? null : where.toFile())
                    .redirectErrorStream(true)
                    .start();
        } catch (IOException e) {
            throw new IOException(name + ": not found, expected Node.js " + LEAST_NODE
                    + " or newer with npm (portraits are drawn by it: install it from your system's packages)", e);
        }
        process.getOutputStream().close();
        try {
            String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            int exit = process.waitFor();
            if (exit != 0) {
                throw new IOException(String.join(" ", command) + ": failed with " + exit + ", "
                        + text.strip().lines().limit(3).reduce((a, b) -> a + "; " + b).map(AvatarScript::shortened)
                                .orElse("saying nothing")
                        + " (expected packages from npm's registry: is the network there?)");
            }
            return text;
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw (IOException) new InterruptedIOException(name + ": interrupted").initCause(e);
        }
    }

    private static String shortened(String text) {
        return text.length() <= SHOWN_OUTPUT ? text : text.substring(0, SHOWN_OUTPUT) + "...";
    }

    /** A running script, which draws what it is asked for in order. */
    public static final class Drawing implements AutoCloseable {
        private final Process process;
        private final int size;
        private final Thread asking;

        private Drawing(Process process, int size, List<String> requests) {
            this.process = process;
            this.size = size;
            this.asking = new Thread(() -> ask(requests), "aim-avatars");
            asking.setDaemon(true);
            asking.start();
        }

        private void ask(List<String> requests) {
            try (var out = process.outputWriter(StandardCharsets.UTF_8)) {
                for (String request : requests) {
                    out.write(request + "\n");
                }
            } catch (IOException _) {
                // it has ended; whoever reads its pictures says why
            }
        }

        /**
         * The next picture, RGBA by rows.
         *
         * @throws IOException if the script has failed: its first line of complaint
         */
        public byte[] next() throws IOException {
            byte[] pixels = process.getInputStream().readNBytes(size * size * 4);
            if (pixels.length < size * size * 4) {
                String said = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
                throw new IOException("draw.mjs: ended early, "
                        + said.lines().filter(l -> l.contains("rror")).findFirst().map(AvatarScript::shortened)
                                .orElse("saying nothing"));
            }
            return pixels;
        }

        @Override
        public void close() {
            process.destroy();
        }
    }

    /**
     * Starts to draw.
     *
     * @param requests style and seed of each picture, with a space between; the seed may have any characters but line
     *     ends
     */
    public Drawing draw(int size, List<String> requests) throws IOException {
        Process process = new ProcessBuilder(List.of(node, "draw.mjs", Integer.toString(size)))
                .directory(folder.toFile())
                .start();
        return new Drawing(process, size, new ArrayList<>(requests));
    }
}
