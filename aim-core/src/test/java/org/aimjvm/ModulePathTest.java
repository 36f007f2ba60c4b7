package org.aimjvm;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A user's program with a module descriptor compiles and runs, by the JDK's own tools; and the same one on the
 * class path.
 */
class ModulePathTest {
    private static final String MAIN = """
            package app;

            public final class Main {
                public static void main(String[] args) {
                    for (String model : args) {
                        int width = org.aimjvm.AiM.load(model).generate(1).toImage().getWidth();
                        System.out.println(model + ": " + width + ", " + org.aimjvm.backend.Backends.best().name());
                    }
                }
            }
            """;
    private static final String DESCRIPTOR = "module app { requires org.aimjvm.core; }";

    @TempDir static Path dir;

    private static String golden;
    private static Path models;

    record Run(int exit, String out, String err) {}

    /** A jar with an embedded model, named as aim-model-fashion is. */
    @BeforeAll
    static void packModels() throws IOException, URISyntaxException {
        Path files = Path.of(ModulePathTest.class.getResource("/golden/e2e").toURI());
        golden = files.toString();
        models = dir.resolve("models.jar");
        Manifest manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().putValue("Automatic-Module-Name", "test.models");
        try (JarOutputStream jar = new JarOutputStream(Files.newOutputStream(models), manifest);
                Stream<Path> all = Files.list(files)) {
            for (Path file : all.filter(f -> f.toString().matches(".*(\\.safetensors|config\\.json)")).toList()) {
                jar.putNextEntry(new JarEntry("org/aimjvm/models/in-a-jar/" + file.getFileName()));
                Files.copy(file, jar);
            }
        }
    }

    @Test
    void moduleThatRequiresOursRuns() throws Exception {
        Path out = dir.resolve("app");
        assertThat(compile(out, MAIN, DESCRIPTOR)).doesNotContain("error:");
        String path = String.join(File.pathSeparator, out.toString(), library(), models.toString());
        Run plain = java("--module-path", path, "--add-modules=test.models", "--module", "app/app.Main", golden,
                "in-a-jar");
        assertThat(plain.out.lines()).as(plain.err).containsExactly(golden + ": 8, scalar", "in-a-jar: 8, scalar");
        Run simd = java(
                "--add-modules=jdk.incubator.vector", "--module-path", path, "--module", "app/app.Main", golden);
        assertThat(simd.out.lines()).as(simd.err).containsExactly(golden + ": 8, vector");
    }

    @Test
    void sameProgramRunsOnTheClassPath() throws Exception {
        Path out = dir.resolve("classes");
        assertThat(compile(out, MAIN, null)).isEmpty();
        String path = String.join(File.pathSeparator, out.toString(), library(), models.toString());
        Run run = java("--add-modules=jdk.incubator.vector", "--class-path", path, "app.Main", golden, "in-a-jar");
        assertThat(run.out.lines()).as(run.err).containsExactly(golden + ": 8, vector", "in-a-jar: 8, vector");
    }

    @Test
    void whatIsNotExportedCannotBeUsed() throws IOException {
        String main = "package app; class Main { Object o = new org.aimjvm.cpu.ScalarBackendProvider(); }";
        assertThat(compile(dir.resolve("refused"), main, DESCRIPTOR))
                .contains("package org.aimjvm.cpu is declared in module org.aimjvm.core, which does not export it");
    }

    /** What javac says, nothing if it is content. */
    private static String compile(Path out, String main, String descriptor) throws IOException {
        Path sources = Files.createDirectories(dir.resolve(out.getFileName() + "-src"));
        List<String> args = new ArrayList<>(List.of("-d", out.toString()));
        // without -cp javac takes the class path of this JVM
        args.addAll(
                descriptor == null ? List.of("-cp", library()) : List.of("-cp", sources.toString(), "-p", library()));
        args.add(Files.writeString(sources.resolve("Main.java"), main).toString());
        if (descriptor != null) {
            args.add(Files.writeString(sources.resolve("module-info.java"), descriptor).toString());
        }
        StringWriter said = new StringWriter();
        PrintWriter writer = new PrintWriter(said);
        ToolProvider.findFirst("javac").orElseThrow().run(writer, writer, args.toArray(String[]::new));
        return said.toString();
    }

    private static Run java(String... args) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx512m"));
        command.add("-Daim.simd.warmup=0");
        command.addAll(Arrays.asList(args));
        Path err = Files.createTempFile(dir, "err", ".txt");
        Process process = new ProcessBuilder(command).redirectError(err.toFile()).start();
        try (InputStream in = process.getInputStream()) {
            String out = new String(in.readAllBytes());
            return new Run(process.waitFor(), out, Files.readString(err));
        }
    }

    /** The classes of aim-core and the jars it needs, nothing else of this test's class path. */
    private static String library() {
        Stream<String> jackson = Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(e -> e.matches(".*jackson-[^/\\\\]*\\.jar"));
        String ours = Path.of(URI.create(AiM.class.getProtectionDomain().getCodeSource().getLocation().toString()))
                .toString();
        return Stream.concat(Stream.of(ours), jackson).collect(Collectors.joining(File.pathSeparator));
    }
}
