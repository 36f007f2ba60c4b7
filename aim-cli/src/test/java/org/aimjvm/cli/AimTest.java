package org.aimjvm.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.util.regex.Pattern;
import org.aimjvm.backend.BackendException;
import org.aimjvm.command.Console;
import org.aimjvm.command.ErrorReport;
import org.aimjvm.command.ExitCode;
import org.aimjvm.command.Progress;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** Wrong usage and failures become one line each; progress shows only at a terminal. */
class AimTest {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    private Console console(boolean interactive) {
        return new Console(new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8), interactive);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "''                                | command: none given, expected one of .*data.*",
        "dcotor                            | unknown command 'dcotor', did you mean doctor\\? .*",
        "data                              | data: data set: none given, expected one of fashion-mnist, avatars .*",
        "data mnist                        | data: unknown command 'mnist', did you mean fashion-mnist\\? .*",
        "doctor now                        | doctor: unknown argument 'now' .*",
        "doctor --debu                     | doctor: unknown option '--debu', did you mean --debug\\? .*",
        "data fashion-mnist --out          | data fashion-mnist: Missing required parameter for option '--out' .*",
        "data fashion-mnist --url ://x     | data fashion-mnist: Invalid value for option '--url': .*",
        "data fashion-mnist --from a --url http://b | data fashion-mnist: .*mutually exclusive.*",
    })
    void wrongUsageIsOneLineAndExitCode2(String commandLine, String expected) {
        String[] args = commandLine.isEmpty() ? new String[0] : commandLine.split(" +");
        assertThat(Aim.run(console(false), args)).isEqualTo(ExitCode.USAGE);
        assertThat(out.toString(StandardCharsets.UTF_8)).isEmpty();
        assertThat(err.toString(StandardCharsets.UTF_8)).hasLineCount(1)
                .matches(Pattern.compile("aim: " + expected + "\\R"));
    }

    /** A line that starts with a command is read with that command alone, which must then be the same one. */
    @Test
    void everyCommandAloneIsTheOneOfTheTree() {
        CommandLine tree = Aim.commandLine(console(false));
        assertThat(tree.getSubcommands()).hasSize(13);
        tree.getSubcommands().forEach((name, command) -> {
            assertThat(command.getCommandName()).isEqualTo(name);
            CommandLine alone = Aim.commandLine(console(false), name);
            assertThat(alone.getSubcommands()).containsOnlyKeys(name);
            assertSameCommand(alone.getSubcommands().get(name), command);
        });
    }

    private static void assertSameCommand(CommandLine got, CommandLine expected) {
        assertThat(got.getUsageMessage()).isEqualTo(expected.getUsageMessage());
        assertThat(got.isCaseInsensitiveEnumValuesAllowed()).isTrue();
        assertThat(got.getSubcommands().keySet()).isEqualTo(expected.getSubcommands().keySet());
        expected.getSubcommands().forEach((name, sub) -> assertSameCommand(got.getSubcommands().get(name), sub));
    }

    @Test
    void failuresNameTheFileAndTheReason() {
        assertThat(ErrorReport.failure(new NoSuchFileException("m.safetensors")))
                .isEqualTo("aim: m.safetensors: no such file or folder");
        assertThat(ErrorReport.failure(new UncheckedIOException(new AccessDeniedException("dir"))))
                .isEqualTo("aim: dir: permission denied");
        assertThat(ErrorReport.failure(new BackendException("backend cuda: not available,\n  no driver")))
                .isEqualTo("aim: backend cuda: not available, no driver");
        assertThat(ErrorReport.failure(new IllegalArgumentException("headDim: 60 (expected: a divisor of 1536)")))
                .isEqualTo("aim: headDim: 60 (expected: a divisor of 1536)");
    }

    @Test
    void anUnexpectedExceptionSaysThatItIsOurs() {
        assertThat(ErrorReport.failure(new NullPointerException("x is null")))
                .startsWith("aim: internal error: java.lang.NullPointerException: x is null")
                .contains("--debug");
        assertThat(ErrorReport.unexpected(new OutOfMemoryError("Java heap space"))).contains("-Xmx");
    }

    /** A console whose standard output runs into an error of the JVM stands for any that no code expects. */
    @Test
    void anErrorIsOneLineToo() {
        PrintStream broken = new PrintStream(PrintStream.nullOutputStream()) {
            @Override
            public void println(String text) {
                throw new StackOverflowError("deep");
            }
        };
        PrintStream told = new PrintStream(err, true, StandardCharsets.UTF_8);
        String line =
                "aim: internal error: java.lang.StackOverflowError: deep (run again with --debug and report what it prints)";
        assertThat(Aim.run(new Console(broken, told, false), "info", "--preset", "aim-b", "--json"))
                .isEqualTo(ExitCode.FAILED);
        assertThat(err.toString(StandardCharsets.UTF_8)).isEqualTo(line + System.lineSeparator());
        err.reset();
        assertThat(Aim.run(new Console(broken, told, false), "info", "--preset", "aim-b", "--json", "--debug"))
                .isEqualTo(ExitCode.FAILED);
        assertThat(err.toString(StandardCharsets.UTF_8)).startsWith(line).contains("\tat org.aimjvm.cli.");
    }

    @Test
    void progressIsSilentUnlessSomebodyWatches() {
        for (boolean interactive : new boolean[] {false, true}) {
            Console console = console(interactive);
            console.remark("%d of %d", 1, 2);
            try (Progress progress = console.progress("decode", 3, "tokens")) {
                progress.to(2);
                progress.note("loss 1.5");
                progress.advance(1);
            }
            assertThat(out.toString(StandardCharsets.UTF_8)).isEmpty();
            String shown = err.toString(StandardCharsets.UTF_8);
            if (interactive) {
                assertThat(shown).contains("1 of 2", "decode", "3/3 tokens");
            } else {
                assertThat(shown).isEmpty();
            }
        }
    }
}
