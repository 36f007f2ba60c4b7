package org.aimjvm.cli;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;

/**
 * The script {@code ./aim} in a copy of the project's layout, with a Maven and, if wished, a JDK that only do what they
 * are told.
 */
final class LauncherCopy {
    private static final Path SHELL = Path.of("/bin/sh");
    private static final List<String> TOOLS =
            List.of("dirname", "readlink", "find", "head", "mkdir", "rm", "rmdir", "mv", "cp",
                    "cat", "grep", "sleep", "ls", "cksum", "locale");

    private final Path dir;
    private final Map<String, String> environment = new HashMap<>();
    private Path root;

    /** Lays it out in {@code dir}, in a folder with a blank in its name, with a made-up JDK {@code jdk}. */
    LauncherCopy(Path dir) throws IOException {
        assumeTrue(Files.isExecutable(SHELL), "no " + SHELL);
        this.dir = dir;
        root = Files.createDirectories(dir.resolve("a project"));
        Files.copy(Path.of(System.getProperty("basedir", ".")).resolve("../aim"), root.resolve("aim"));
        Files.writeString(root.resolve("pom.xml"), "<project/>");
        module("aim-core");
        module("aim-cli");
        for (String tool : TOOLS) {
            script(Files.createDirectories(tools()).resolve(tool), "exec " + which(tool) + " \"$@\"");
        }
        environment.put("PATH", tools().toString());
        environment.put("HOME", dir.resolve("home").toString());
        environment.put("JAVA_HOME", "");
        environment.put("SDKMAN_DIR", "");
        environment.put("LC_ALL", "C.UTF-8");
        environment.put("AIM_JAVA_HOME", jdk("jdk", "25.0.1").toString());
    }

    private static Path which(String tool) {
        for (String folder : List.of("/usr/bin", "/bin")) {
            if (Files.isExecutable(Path.of(folder, tool))) {
                return Path.of(folder, tool);
            }
        }
        throw new IllegalStateException(tool + ": not in /usr/bin or /bin, expected of every POSIX system");
    }

    /** Adds the folder of a module. */
    Path module(String name) throws IOException {
        Files.createDirectories(root.resolve(name + "/src/main/java"));
        Files.writeString(root.resolve(name + "/pom.xml"), "<project/>");
        return root.resolve(name);
    }

    Path root() {
        return root;
    }

    Path tools() {
        return dir.resolve("tools");
    }

    Path jar() {
        return root.resolve("aim-cli/target/aim-cli.jar");
    }

    Map<String, String> environment() {
        return environment;
    }

    /** Moves the checkout. */
    void moveTo(String name) throws IOException {
        root = Files.move(root, dir.resolve(name));
    }

    /** A JDK whose java prints its arguments, one word per line, and ends with 7. */
    Path jdk(String name, String version) throws IOException {
        Path home = dir.resolve(name);
        Files.createDirectories(home.resolve("bin"));
        Files.writeString(home.resolve("release"),
                "IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"" + version + "\"\nLIBC=\"gnu\"\n");
        script(home.resolve("bin/java"), "echo " + name + "; for a in \"$@\"; do echo \"<$a>\"; done; exit 7");
        script(home.resolve("bin/javac"), "exit 0");
        return home;
    }

    /**
     * From now on java is the one that runs the tests, and the command line, as after a build, is the one on their
     * class path. There is an archive of classes as the build makes it, though nothing in it.
     */
    void realJava() throws IOException {
        String home = System.getProperty("java.home");
        environment.put("AIM_JAVA_HOME", home);
        alreadyBuilt();
        Files.copy(jarOfTests(), jar(), StandardCopyOption.REPLACE_EXISTING);
        Path archives = Files.createDirectories(root.resolve("aim-cli/target/aim-archives"));
        Files.writeString(archives.resolve("light.jsa"), "");
        Files.writeString(archives.resolve("light.jdk"), Runtime.version().feature() + " " + home + "\n");
    }

    /** A jar that starts the command line from the class path of the tests. */
    Path jarOfTests() throws IOException {
        StringBuilder urls = new StringBuilder();
        for (String entry : System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"))
                .split(File.pathSeparator)) {
            urls.append(Path.of(entry).toAbsolutePath().toUri()).append(' ');
        }
        Manifest manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().put(Attributes.Name.MAIN_CLASS, Aim.class.getName());
        manifest.getMainAttributes().put(Attributes.Name.CLASS_PATH, urls.toString().strip());
        Path jar = dir.resolve("tests.jar");
        jar(jar, manifest, Map.of());
        return jar;
    }

    /** Writes a jar of files by their names in it. */
    static void jar(Path jar, Manifest manifest, Map<String, byte[]> files) throws IOException {
        try (OutputStream out = Files.newOutputStream(jar);
                JarOutputStream zip = new JarOutputStream(out, manifest)) {
            for (Map.Entry<String, byte[]> file : files.entrySet()) {
                zip.putNextEntry(new JarEntry(file.getKey()));
                zip.write(file.getValue());
                zip.closeEntry();
            }
        }
    }

    /** A Maven that leaves its arguments as a line in the file builds and then does {@code body}. */
    void mvn(String body) throws IOException {
        script(tools().resolve("mvn"), "echo \"$*\" >>'" + dir.resolve("builds") + "'; " + body);
    }

    static void script(Path path, String body) throws IOException {
        Files.writeString(path, "#!/bin/sh\n" + body + "\n");
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    /** As after a build. */
    void alreadyBuilt() throws IOException {
        Files.createDirectories(jar().getParent());
        Files.writeString(jar(), "");
        Path stamp = Files.writeString(root.resolve("aim-cli/target/aim-built"), "");
        Files.setLastModifiedTime(stamp, FileTime.from(Instant.now().plusSeconds(5)));
    }

    /** Writes a source in a module with a time {@code seconds} from now. */
    Path source(String module, int seconds) throws IOException {
        Path source = Files.writeString(root.resolve(module + "/src/main/java/X.java"), "class X {}");
        Files.setLastModifiedTime(source, FileTime.from(Instant.now().plusSeconds(seconds)));
        return source;
    }

    /** The arguments of Maven, a line for each build. */
    List<String> builds() throws IOException {
        Path log = dir.resolve("builds");
        return Files.exists(log) ? Files.readAllLines(log) : List.of();
    }

    CliProcess aim(String... args) throws IOException, InterruptedException {
        return run(command(args));
    }

    CliProcess run(List<String> command) throws IOException, InterruptedException {
        return CliProcess.run(dir, environment, command);
    }

    CliProcess.Running start(String... args) throws IOException {
        return CliProcess.start(dir, environment, command(args));
    }

    List<String> command(String... args) {
        List<String> command = new ArrayList<>(List.of(SHELL.toString(), root.resolve("aim").toString()));
        command.addAll(List.of(args));
        return command;
    }
}
