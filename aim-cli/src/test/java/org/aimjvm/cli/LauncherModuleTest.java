package org.aimjvm.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.Manifest;
import javax.tools.ToolProvider;
import org.aimjvm.command.CommandProvider;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands that other modules bring, with a made-up module: built at its first call, listed by the help before. */
class LauncherModuleTest {
    private static final String PROVIDER = """
            package studio;

            import java.util.Map;
            import java.util.concurrent.Callable;
            import org.aimjvm.command.CommandProvider;
            import org.aimjvm.command.Console;
            import picocli.CommandLine.Command;

            public final class Studio implements CommandProvider {
                @Override
                public Map<String, Class<?>> commands() {
                    return Map.of("serve", Serve.class);
                }

                @Command(name = "serve", description = "Show a page.")
                public static final class Serve implements Callable<Integer> {
                    private final Console console;

                    Serve(Console console) {
                        this.console = console;
                    }

                    @Override
                    public Integer call() {
                        console.out().println("served");
                        return 0;
                    }
                }
            }
            """;

    @TempDir private Path dir;

    private LauncherCopy copy;
    private Path studio;

    @BeforeEach
    void layOut() throws IOException {
        copy = new LauncherCopy(dir);
        studio = copy.module("aim-studio");
        Files.writeString(studio.resolve("commands"), "# commands of the studio\nserve light Show a page.\n");
    }

    /** A Maven that makes the jars of the modules it is asked for, the module's with two libraries. */
    private void mvn() throws IOException {
        copy.mvn("""
                mkdir -p aim-cli/target/lib; : >aim-cli/target/aim-cli.jar; : >aim-cli/target/lib/shared-1.jar
                case "$*" in *aim-studio*)
                    mkdir -p aim-studio/target/lib; : >aim-studio/target/aim-studio.jar
                    : >aim-studio/target/lib/shared-1.jar; : >aim-studio/target/lib/web-2.jar ;;
                esac""");
    }

    @Test
    void aModuleIsBuiltAtItsFirstCallAndNotBefore() throws Exception {
        mvn();
        copy.aim("info");
        assertThat(copy.builds()).singleElement().asString().contains("-pl aim-cli -am");
        assertThat(studio.resolve("target")).doesNotExist();

        CliProcess first = copy.aim("serve", "--port", "1");
        assertThat(first.err()).isEqualTo("aim: building aim-studio, once\n");
        assertThat(first.out()).endsWith("\n<--enable-native-access=ALL-UNNAMED>\n<-cp>\n<" + copy.jar() + ":"
                + studio + "/target/aim-studio.jar:" + studio + "/target/lib/web-2.jar>\n<org.aimjvm.cli.Aim>\n"
                + "<serve>\n<--port>\n<1>\n").contains("<-XX:TieredStopAtLevel=1>").doesNotContain("incubator");
        assertThat(copy.builds()).hasSize(2).last().asString().contains("-pl aim-cli,aim-studio -am");

        assertThat(copy.aim("--debug", "serve").err()).isEmpty();
        assertThat(copy.aim("info").out()).contains("<-jar>").doesNotContain("aim-studio");
        assertThat(copy.builds()).hasSize(2);
    }

    @Test
    void itsSourcesCountForItsCommandsAlone() throws Exception {
        mvn();
        copy.aim("serve");
        copy.source("aim-studio", 5);
        assertThat(copy.aim("info").err()).isEmpty();
        assertThat(copy.builds()).hasSize(1);
        assertThat(copy.aim("serve").err()).isEqualTo("aim: building, sources have changed\n");
        assertThat(copy.builds()).hasSize(2);

        copy.source("aim-core", 5);
        assertThat(copy.aim("serve").err()).isEqualTo("aim: building, sources have changed\n");
        assertThat(copy.aim("info").err()).isEmpty();
        assertThat(copy.builds()).hasSize(3);
    }

    @Test
    void aModuleWithoutItsJarIsSaid() throws Exception {
        copy.mvn("mkdir -p aim-cli/target; : >aim-cli/target/aim-cli.jar");
        assertThat(copy.aim("serve").err()).endsWith("aim: build: no " + studio
                + "/target/aim-studio.jar, expected one from a module that brings commands\n");
    }

    @Test
    void theHelpListsItBeforeAndItRunsAfterItsBuild() throws Exception {
        Path jar = dir.resolve("studio.jar");
        compile(jar);
        copy.realJava();
        copy.mvn("mkdir -p aim-cli/target; cp '" + copy.jarOfTests() + "' aim-cli/target/aim-cli.jar"
                + "; case \"$*\" in *aim-studio*) mkdir -p aim-studio/target; cp '" + jar
                + "' aim-studio/target/aim-studio.jar ;; esac");
        CliProcess help = copy.aim("--help");
        assertThat(help.out()).containsPattern("\\n  serve +Show a page\\.\\R");
        assertThat(studio.resolve("target")).doesNotExist();

        CliProcess served = copy.aim("serve");
        assertThat(served.out()).as(served.err()).isEqualTo("served\n");
        assertThat(served.exit()).isZero();
        assertThat(copy.aim("serve", "--help").out()).startsWith("Usage: aim serve ");
    }

    /** Compiles the made-up module into a jar. */
    private void compile(Path jar) throws IOException {
        Path source = Files.createDirectories(dir.resolve("src/studio")).resolve("Studio.java");
        Files.writeString(source, PROVIDER);
        Path classes = Files.createDirectories(dir.resolve("classes"));
        int failed = ToolProvider.getSystemJavaCompiler().run(
                null, null, null, "-proc:none", "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")), "-d",
                classes.toString(), source.toString());
        assertThat(failed).isZero();
        Manifest manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        Map<String, byte[]> files = new LinkedHashMap<>();
        files.put("META-INF/services/" + CommandProvider.class.getName(), "studio.Studio".getBytes());
        for (String name : List.of("studio/Studio.class", "studio/Studio$Serve.class")) {
            files.put(name, Files.readAllBytes(classes.resolve(name)));
        }
        LauncherCopy.jar(jar, manifest, files);
    }

    @Test
    void aLineThatIsNoCommandIsNamed() throws IOException {
        assertThat(ModuleCommands.in(copy.root())).containsExactly(Map.entry("serve", "Show a page."));
        Files.writeString(studio.resolve("commands"), "serve fast Show a page.\n");
        assertThatThrownBy(() -> ModuleCommands.in(copy.root())).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("commands: 'serve fast Show a page.' (expected NAME KIND DESCRIPTION");
    }

    @Test
    void theListsOfThisProjectAreWhole() throws IOException {
        Path project = Path.of(System.getProperty("basedir", ".")).resolve("..");
        assertThat(ModuleCommands.in(project)).doesNotContainKey("generate");
    }
}
