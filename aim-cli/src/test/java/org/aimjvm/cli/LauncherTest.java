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

/**
 * The script {@code ./aim} in a copy of the project's layout, with a JDK and a Maven that only say what they are told.
 */
class LauncherTest {
    @TempDir private Path dir;

    private LauncherCopy copy;

    @BeforeEach
    void layOut() throws IOException {
        copy = new LauncherCopy(dir);
    }

    @Test
    void handsArgumentsAndExitCodeThrough() throws Exception {
        copy.alreadyBuilt();
        CliProcess p = copy.aim("generate", "--out", "my picture.png", "*");
        assertThat(p.exit()).isEqualTo(7);
        assertThat(p.out()).startsWith("jdk\n<--add-modules=jdk.incubator.vector>\n")
                .endsWith("<-jar>\n<" + copy.jar() + ">\n<generate>\n<--out>\n<my picture.png>\n<*>\n");
        assertThat(p.err()).isEmpty();
        assertThat(copy.builds()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"--help,false", "info x,false", "data fashion-mnist,false", "generate --help,false", "doctor,true",
        "train lm,true", "verify --golden x,true", "nonsense,true"})
    void onlyWhatComputesGetsTheVectorModule(String arguments, boolean vector) throws Exception {
        copy.alreadyBuilt();
        assertThat(copy.aim(arguments.split(" ")).out().contains("--add-modules=jdk.incubator.vector"))
                .isEqualTo(vector);
    }

    @Test
    void passesOptionsOfTheUserToTheJvm() throws Exception {
        copy.alreadyBuilt();
        copy.environment().put("AIM_JAVA_OPTS", "-Xmx1g -Dx=*");
        assertThat(copy.aim("info").out()).contains("<-Xmx1g>\n<-Dx=*>\n<-jar>");
    }

    @Test
    void worksThroughALinkFromAnotherFolder() throws Exception {
        copy.alreadyBuilt();
        Path link = Files.createSymbolicLink(Files.createDirectories(dir.resolve("bin")).resolve("aim"),
                Path.of("../a project/aim"));
        CliProcess p = copy.run(List.of("/bin/sh", link.toString(), "info"));
        assertThat(p.out()).contains("<" + copy.jar().toRealPath() + ">");
    }

    @Test
    void refusesAnOldJdkThatWasAskedFor() throws Exception {
        copy.alreadyBuilt();
        copy.environment().put("AIM_JAVA_HOME", copy.jdk("old", "17.0.15").toString());
        CliProcess p = copy.aim("info");
        assertThat(p.exit()).isEqualTo(1);
        assertThat(p.err()).isEqualTo("aim: AIM_JAVA_HOME: " + dir + "/old holds JDK 17, expected JDK 25 or newer\n");
    }

    @Test
    void looksInJavaHomeThenOnThePathThenInFoldersOfTools() throws Exception {
        copy.alreadyBuilt();
        copy.environment().put("AIM_JAVA_HOME", "");
        copy.environment().put("JAVA_HOME", copy.jdk("java-home", "26-ea").toString());
        assertThat(copy.aim("info").out()).startsWith("java-home\n");

        copy.environment().put("JAVA_HOME", copy.jdk("old", "1.8.0_412").toString());
        Files.createSymbolicLink(dir.resolve("tools/java"), copy.jdk("on-path", "25").resolve("bin/java"));
        assertThat(copy.aim("info").out()).startsWith("on-path\n");
    }

    @Test
    void buildsOnceAndAgainWhenASourceIsNewer() throws Exception {
        copy.mvn("mkdir -p aim-cli/target; : >aim-cli/target/aim-cli.jar; echo chatter");
        CliProcess first = copy.aim("info");
        assertThat(first.exit()).isEqualTo(7);
        assertThat(first.out()).startsWith("jdk\n");
        assertThat(first.err()).isEqualTo("aim: building, once (about a minute)\n");
        assertThat(copy.aim("info").err()).isEmpty();
        assertThat(copy.builds()).hasSize(1);

        copy.source("aim-core", 5);
        assertThat(copy.aim("info").err()).isEqualTo("aim: building, sources have changed\n");
        assertThat(copy.builds()).hasSize(2);
    }

    @Test
    void twoFirstCallsBuildOnce() throws Exception {
        copy.mvn("mkdir -p aim-cli/target; sleep 1; : >aim-cli/target/aim-cli.jar");
        CliProcess.Running a = copy.start("info");
        CliProcess.Running b = copy.start("info");
        assertThat(List.of(a.await().exit(), b.await().exit())).containsExactly(7, 7);
        assertThat(copy.builds()).hasSize(1);
    }

    @Test
    void aLockOfAProcessThatIsGoneIsRemoved() throws Exception {
        copy.mvn("mkdir -p aim-cli/target; : >aim-cli/target/aim-cli.jar");
        Process gone = new ProcessBuilder("/bin/sh", "-c", "exit 0").start();
        gone.waitFor();
        Path lock = Files.createDirectories(copy.root().resolve("aim-cli/target/aim-lock"));
        Files.writeString(lock.resolve("pid"), gone.pid() + "\n");
        assertThat(copy.aim("info").exit()).isEqualTo(7);
        assertThat(lock).doesNotExist();
    }

    @Test
    void aFailedBuildShowsItsOutputAndIsTriedAgain() throws Exception {
        copy.mvn("echo '[ERROR] X.java:[1,1] not a statement'; exit 1");
        for (int i = 1; i <= 2; i++) {
            CliProcess p = copy.aim("info");
            assertThat(p.exit()).isEqualTo(1);
            assertThat(p.out()).isEmpty();
            assertThat(p.err()).contains("[ERROR] X.java:[1,1] not a statement\n")
                    .endsWith("aim: build: failed, the whole output is in "
                            + copy.root().resolve("aim-cli/target/aim-build.log") + "\n");
            assertThat(copy.builds()).hasSize(i);
        }
        assertThat(copy.root().resolve("aim-cli/target/aim-lock")).doesNotExist();
    }

    @Test
    void noNetworkIsOneLine() throws Exception {
        copy.mvn("echo '[ERROR] Could not transfer artifact org.x:y:jar:1 from/to central: unknown host'; exit 1");
        assertThat(copy.aim("info").err().lines().skip(1))
                .singleElement().asString()
                .startsWith("aim: build: Maven could not fetch what it needs, expected a network");
    }

    @Test
    void noMavenIsOneLine() throws Exception {
        CliProcess p = copy.aim("info");
        assertThat(p.exit()).isEqualTo(1);
        assertThat(p.err()).hasLineCount(1).startsWith("aim: build: no mvn on the PATH, expected Maven 3.8 or newer");
    }

    /** A JDK that writes the files its flags name, as java does when it makes an archive. */
    private String archivingJdk(int exitWithArchive) throws IOException {
        Path home = copy.jdk("archiving", "25.0.1");
        LauncherCopy.script(home.resolve("bin/java"), """
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
        return copy.root().toRealPath().resolve("aim-cli/target/aim-archives");
    }

    @Test
    void aBuildMakesArchivesOfLoadedClassesAndJavaGetsTheOneOfItsKind() throws Exception {
        copy.moveTo("project"); // java takes no blank in the flag
        copy.mvn("mkdir -p aim-cli/target; : >aim-cli/target/aim-cli.jar");
        copy.environment().put("AIM_JAVA_HOME", archivingJdk(0));
        for (int i = 0; i < 2; i++) {
            assertThat(copy.aim("generate").out())
                    .contains("<-XX:SharedArchiveFile=" + archives().resolve("compute.jsa") + ">");
            assertThat(copy.aim("info").out())
                    .contains("<-XX:SharedArchiveFile=" + archives().resolve("light.jsa") + ">");
            assertThat(copy.aim("convert").out()).doesNotContain("SharedArchiveFile");
        }
        assertThat(copy.builds()).hasSize(1);
        assertThat(archives().resolve("light.list")).exists();
        assertThat(archives()).isDirectoryNotContaining("glob:**.{tmp,new}");

        copy.environment().put("AIM_JAVA_HOME", copy.jdk("jdk", "25.0.1").toString());
        assertThat(copy.aim("info").out()).as("made for another JDK").doesNotContain("SharedArchiveFile");
    }

    @Test
    void anArchiveThatJavaDoesNotStartWithIsDropped() throws Exception {
        copy.moveTo("project");
        copy.mvn("mkdir -p aim-cli/target; : >aim-cli/target/aim-cli.jar");
        copy.environment().put("AIM_JAVA_HOME", archivingJdk(1));
        CliProcess p = copy.aim("info");
        assertThat(p.exit()).isZero();
        assertThat(p.out()).contains("<info>").doesNotContain("SharedArchiveFile");
        assertThat(archives().resolve("light.jsa")).doesNotExist();
    }

    @Test
    void aFolderWithABlankWorksWithoutArchives() throws Exception {
        copy.mvn("mkdir -p aim-cli/target; : >aim-cli/target/aim-cli.jar");
        copy.environment().put("AIM_JAVA_HOME", archivingJdk(0));
        assertThat(copy.aim("generate").out()).contains("<generate>").doesNotContain("SharedArchiveFile");
    }
}
