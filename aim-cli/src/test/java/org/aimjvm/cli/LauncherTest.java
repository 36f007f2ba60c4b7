package org.aimjvm.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The script {@code ./aim} in a copy of the project's layout, with a JDK and a Maven that only say what they are told. */
class LauncherTest {
    private static final Path SHELL = Path.of("/bin/sh");

    @TempDir private Path dir;

    private Path root;
    private Path jar;
    private Path stamp;
    private final Map<String, String> environment = new HashMap<>();

    @BeforeEach
    void layOut() throws IOException {
        assumeTrue(Files.isExecutable(SHELL), "no " + SHELL);
        root = Files.createDirectories(dir.resolve("a project"));
        Files.copy(Path.of(System.getProperty("basedir", ".")).resolve("../aim"), root.resolve("aim"));
        Files.writeString(root.resolve("pom.xml"), "<project/>");
        for (String module : List.of("aim-core", "aim-cli")) {
            Files.createDirectories(root.resolve(module + "/src/main/java"));
            Files.writeString(root.resolve(module + "/pom.xml"), "<project/>");
        }
        jar = root.resolve("aim-cli/target/aim-cli.jar");
        stamp = root.resolve("aim-cli/target/aim-built");
        Path tools = Files.createDirectories(dir.resolve("tools"));
        for (String tool : List.of("dirname", "readlink", "find", "head", "mkdir", "rm", "rmdir", "mv", "cat", "grep",
                "sleep")) {
            script(tools.resolve(tool), "exec " + which(tool) + " \"$@\"");
        }
        environment.put("PATH", tools.toString());
        environment.put("HOME", dir.resolve("home").toString());
        environment.put("JAVA_HOME", "");
        environment.put("SDKMAN_DIR", "");
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

    /** A JDK whose java prints its arguments, a word a line, and ends with 7. */
    private Path jdk(String name, String version) throws IOException {
        Path home = dir.resolve(name);
        Files.createDirectories(home.resolve("bin"));
        Files.writeString(home.resolve("release"),
                "IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"" + version + "\"\nLIBC=\"gnu\"\n");
        script(home.resolve("bin/java"), "echo " + name + "; for a in \"$@\"; do echo \"<$a>\"; done; exit 7");
        script(home.resolve("bin/javac"), "exit 0");
        return home;
    }

    /** A Maven that leaves a line in the file builds and then does {@code body}. */
    private void mvn(String body) throws IOException {
        script(dir.resolve("tools/mvn"), "echo x >>'" + dir.resolve("builds") + "'; " + body);
    }

    private static void script(Path path, String body) throws IOException {
        Files.writeString(path, "#!/bin/sh\n" + body + "\n");
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private void alreadyBuilt() throws IOException {
        Files.createDirectories(jar.getParent());
        Files.writeString(jar, "");
        Files.writeString(stamp, "");
        Files.setLastModifiedTime(stamp, FileTime.from(Instant.now().plusSeconds(5)));
    }

    private int builds() throws IOException {
        Path log = dir.resolve("builds");
        return Files.exists(log) ? Files.readAllLines(log).size() : 0;
    }

    private CliProcess aim(String... args) throws Exception {
        return CliProcess.run(dir, environment, command(args));
    }

    private List<String> command(String... args) {
        List<String> command = new ArrayList<>(List.of(SHELL.toString(), root.resolve("aim").toString()));
        command.addAll(List.of(args));
        return command;
    }

    @Test
    void handsArgumentsAndExitCodeThrough() throws Exception {
        alreadyBuilt();
        CliProcess p = aim("generate", "--out", "my picture.png", "*");
        assertThat(p.exit()).isEqualTo(7);
        assertThat(p.out()).startsWith("jdk\n<--add-modules=jdk.incubator.vector>\n")
                .endsWith("<-jar>\n<" + jar + ">\n<generate>\n<--out>\n<my picture.png>\n<*>\n");
        assertThat(p.err()).isEmpty();
        assertThat(builds()).isZero();
    }

    @ParameterizedTest
    @CsvSource({"--help,false", "info x,false", "data fashion-mnist,false", "generate --help,false", "doctor,true",
        "train lm,true", "verify --golden x,true", "nonsense,true"})
    void onlyWhatComputesGetsTheVectorModule(String arguments, boolean vector) throws Exception {
        alreadyBuilt();
        assertThat(aim(arguments.split(" ")).out().contains("--add-modules=jdk.incubator.vector")).isEqualTo(vector);
    }

    @Test
    void passesOptionsOfTheUserToTheJvm() throws Exception {
        alreadyBuilt();
        environment.put("AIM_JAVA_OPTS", "-Xmx1g -Dx=*");
        assertThat(aim("info").out()).contains("<-Xmx1g>\n<-Dx=*>\n<-jar>");
    }

    @Test
    void worksThroughALinkFromAnotherFolder() throws Exception {
        alreadyBuilt();
        Path link = Files.createSymbolicLink(Files.createDirectories(dir.resolve("bin")).resolve("aim"),
                Path.of("../a project/aim"));
        CliProcess p = CliProcess.run(dir, environment, List.of(SHELL.toString(), link.toString(), "info"));
        assertThat(p.out()).contains("<" + jar.toRealPath() + ">");
    }

    @Test
    void refusesAnOldJdkThatWasAskedFor() throws Exception {
        alreadyBuilt();
        environment.put("AIM_JAVA_HOME", jdk("old", "17.0.15").toString());
        CliProcess p = aim("info");
        assertThat(p.exit()).isEqualTo(1);
        assertThat(p.err()).isEqualTo("aim: AIM_JAVA_HOME: " + dir + "/old holds JDK 17, expected JDK 25 or newer\n");
    }

    @Test
    void looksInJavaHomeThenOnThePathThenInFoldersOfTools() throws Exception {
        alreadyBuilt();
        environment.put("AIM_JAVA_HOME", "");
        environment.put("JAVA_HOME", jdk("java-home", "26-ea").toString());
        assertThat(aim("info").out()).startsWith("java-home\n");

        environment.put("JAVA_HOME", jdk("old", "1.8.0_412").toString());
        Files.createSymbolicLink(dir.resolve("tools/java"), jdk("on-path", "25").resolve("bin/java"));
        assertThat(aim("info").out()).startsWith("on-path\n");
    }

    @Test
    void buildsOnceAndAgainWhenASourceIsNewer() throws Exception {
        mvn("mkdir -p aim-cli/target; : >aim-cli/target/aim-cli.jar; echo chatter");
        CliProcess first = aim("info");
        assertThat(first.exit()).isEqualTo(7);
        assertThat(first.out()).startsWith("jdk\n");
        assertThat(first.err()).isEqualTo("aim: building, once (about a minute)\n");
        assertThat(aim("info").err()).isEmpty();
        assertThat(builds()).isEqualTo(1);

        Path source = Files.writeString(root.resolve("aim-core/src/main/java/X.java"), "class X {}");
        Files.setLastModifiedTime(source, FileTime.from(Instant.now().plusSeconds(5)));
        assertThat(aim("info").err()).isEqualTo("aim: building, sources have changed\n");
        assertThat(builds()).isEqualTo(2);
    }

    @Test
    void twoFirstCallsBuildOnce() throws Exception {
        mvn("mkdir -p aim-cli/target; sleep 1; : >aim-cli/target/aim-cli.jar");
        CliProcess.Running a = CliProcess.start(dir, environment, command("info"));
        CliProcess.Running b = CliProcess.start(dir, environment, command("info"));
        assertThat(List.of(a.await().exit(), b.await().exit())).containsExactly(7, 7);
        assertThat(builds()).isEqualTo(1);
    }

    @Test
    void aLockOfAProcessThatIsGoneIsRemoved() throws Exception {
        mvn("mkdir -p aim-cli/target; : >aim-cli/target/aim-cli.jar");
        Process gone = new ProcessBuilder("/bin/sh", "-c", "exit 0").start();
        gone.waitFor();
        Path lock = Files.createDirectories(root.resolve("aim-cli/target/aim-lock"));
        Files.writeString(lock.resolve("pid"), gone.pid() + "\n");
        assertThat(aim("info").exit()).isEqualTo(7);
        assertThat(lock).doesNotExist();
    }

    @Test
    void aFailedBuildShowsItsOutputAndIsTriedAgain() throws Exception {
        mvn("echo '[ERROR] X.java:[1,1] not a statement'; exit 1");
        for (int i = 1; i <= 2; i++) {
            CliProcess p = aim("info");
            assertThat(p.exit()).isEqualTo(1);
            assertThat(p.out()).isEmpty();
            assertThat(p.err()).contains("[ERROR] X.java:[1,1] not a statement\n")
                    .endsWith("aim: build: failed, the whole output is in "
                            + root.resolve("aim-cli/target/aim-build.log") + "\n");
            assertThat(builds()).isEqualTo(i);
        }
        assertThat(root.resolve("aim-cli/target/aim-lock")).doesNotExist();
    }

    @Test
    void noNetworkIsOneLine() throws Exception {
        mvn("echo '[ERROR] Could not transfer artifact org.x:y:jar:1 from/to central: unknown host'; exit 1");
        assertThat(aim("info").err().lines().skip(1))
                .singleElement().asString()
                .startsWith("aim: build: Maven could not fetch what it needs, expected a network");
    }

    @Test
    void noMavenIsOneLine() throws Exception {
        CliProcess p = aim("info");
        assertThat(p.exit()).isEqualTo(1);
        assertThat(p.err()).hasLineCount(1).startsWith("aim: build: no mvn on the PATH, expected Maven 3.8 or newer");
    }

    /** A JDK that writes the files its flags name, as java does when it makes an archive. */
    private String archivingJdk(int exitWithArchive) throws IOException {
        Path home = jdk("archiving", "25.0.1");
        script(home.resolve("bin/java"), """
                for a in "$@"; do
                    case $a in
                        -XX:DumpLoadedClassList=*) echo Classes >"${a#*=}"; exit 0 ;;
                        -Xshare:dump) dump=yes ;;
                        -XX:SharedArchiveFile=*) archive=${a#*=} ;;
                    esac
                done
                if [ -n "${dump-}" ]; then echo Archive >"$archive"; exit 0; fi
                for a in "$@"; do echo "<$a>"; done
                [ -z "${archive-}" ] || exit %d""".formatted(exitWithArchive));
        return home.toString();
    }

    private Path archives() throws IOException {
        return root.toRealPath().resolve("aim-cli/target/aim-archives");
    }

    @Test
    void aBuildMakesArchivesOfLoadedClassesAndJavaGetsTheOneOfItsKind() throws Exception {
        root = Files.move(root, dir.resolve("project")); // java takes no blank in the flag
        jar = root.resolve("aim-cli/target/aim-cli.jar");
        mvn("mkdir -p aim-cli/target; : >aim-cli/target/aim-cli.jar");
        environment.put("AIM_JAVA_HOME", archivingJdk(0));
        for (int i = 0; i < 2; i++) {
            assertThat(aim("generate").out())
                    .contains("<-XX:SharedArchiveFile=" + archives().resolve("compute.jsa") + ">");
            assertThat(aim("info").out()).contains("<-XX:SharedArchiveFile=" + archives().resolve("light.jsa") + ">");
            assertThat(aim("convert").out()).doesNotContain("SharedArchiveFile");
        }
        assertThat(builds()).isEqualTo(1);
        assertThat(archives().resolve("light.list")).exists();
        assertThat(archives()).isDirectoryNotContaining("glob:**.{tmp,new}");

        environment.put("AIM_JAVA_HOME", jdk("jdk", "25.0.1").toString());
        assertThat(aim("info").out()).as("made for another JDK").doesNotContain("SharedArchiveFile");
    }

    @Test
    void anArchiveThatJavaDoesNotStartWithIsDropped() throws Exception {
        root = Files.move(root, dir.resolve("project"));
        jar = root.resolve("aim-cli/target/aim-cli.jar");
        mvn("mkdir -p aim-cli/target; : >aim-cli/target/aim-cli.jar");
        environment.put("AIM_JAVA_HOME", archivingJdk(1));
        CliProcess p = aim("info");
        assertThat(p.exit()).isZero();
        assertThat(p.out()).contains("<info>").doesNotContain("SharedArchiveFile");
        assertThat(archives().resolve("light.jsa")).doesNotExist();
    }

    @Test
    void aFolderWithABlankWorksWithoutArchives() throws Exception {
        mvn("mkdir -p aim-cli/target; : >aim-cli/target/aim-cli.jar");
        environment.put("AIM_JAVA_HOME", archivingJdk(0));
        assertThat(aim("generate").out()).contains("<generate>").doesNotContain("SharedArchiveFile");
    }
}
