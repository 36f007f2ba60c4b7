package org.aimjvm.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Runs a program to its end and keeps what it printed. */
public record CliProcess(int exit, String out, String err) {
    private static final int SECONDS = 120;

    /** The command line {@code aim args...} in a JVM of its own, on the class path of the tests. */
    static CliProcess aim(String... args) throws IOException, InterruptedException {
        return aim(List.of("-XX:TieredStopAtLevel=1"), args);
    }

    /** The same with {@code flags} for the JVM. */
    static CliProcess aim(List<String> flags, String... args) throws IOException, InterruptedException {
        return java(Aim.class, flags, args);
    }

    /** The main method of {@code main} in a JVM of its own. */
    public static CliProcess java(Class<?> main, List<String> flags, String... args)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(System.getProperty("java.home") + "/bin/java"));
        command.addAll(flags);
        String classPath = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        command.addAll(List.of("-cp", classPath, main.getName()));
        command.addAll(List.of(args));
        return run(Path.of("").toAbsolutePath(), Map.of(), command);
    }

    /**
     * {@code command} in {@code folder} with {@code environment} added to this process's; an empty value removes one.
     */
    static CliProcess run(Path folder, Map<String, String> environment, List<String> command)
            throws IOException, InterruptedException {
        return start(folder, environment, command).await();
    }

    /** Starts a program without waiting for it. */
    public static Running start(Path folder, Map<String, String> environment, List<String> command) throws IOException {
        Path out = Files.createTempFile("aim-test", ".out");
        Path err = Files.createTempFile("aim-test", ".err");
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                .redirectOutput(out.toFile())
                .redirectError(err.toFile());
        builder.environment().keySet().removeIf(name -> name.startsWith("AIM_") || name.equals("JAVA_TOOL_OPTIONS"));
        environment.forEach((name, value) -> {
            if (value.isEmpty()) {
                builder.environment().remove(name);
            } else {
                builder.environment().put(name, value);
            }
        });
        return new Running(builder.start(), out, err);
    }

    /** A started program, and the files that take its output. */
    public record Running(Process process, Path out, Path err) {
        public CliProcess await() throws IOException, InterruptedException {
            if (!process.waitFor(SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new IllegalStateException("process: still running after " + SECONDS + " s, expected its end");
            }
            CliProcess result = new CliProcess(process.exitValue(), Files.readString(out, StandardCharsets.UTF_8),
                    Files.readString(err, StandardCharsets.UTF_8));
            Files.delete(out);
            Files.delete(err);
            return result;
        }
    }
}
