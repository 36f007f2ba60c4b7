package org.aimjvm.cli;

import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The root of the command line, and the main class. */
@Command(
        name = "aim",
        header = "Autoregressive image generation with Mamba, on the JVM.",
        versionProvider = Version.class,
        subcommands = {GenerateCommand.class, ReconstructCommand.class, TrainCommand.class, TokenizeCommand.class,
            DataCommand.class, EvaluateCommand.class, InfoCommand.class, InitCommand.class, ConvertCommand.class,
            VerifyCommand.class, BenchCommand.class,
            DoctorCommand.class},
        footer = {"", "Exit codes: 0 done, 1 failed, 2 wrong usage. 'aim COMMAND --help' explains a command."})
public final class Aim implements Callable<Integer> {
    /** Done. */
    static final int OK = 0;
    /** The command could not do what it was asked. */
    static final int FAILED = 1;
    /** The command line itself is wrong. */
    static final int USAGE = 2;

    @Spec private CommandSpec spec;

    @Option(names = {"-h", "--help"}, usageHelp = true, scope = ScopeType.INHERIT,
            description = "Print this help.") private boolean help;

    @Option(names = "--version", versionHelp = true,
            description = "Print the versions of AiM and of the JVM.") private boolean version;

    @Option(
            names = "--debug",
            scope = ScopeType.INHERIT,
            description = "On failure print the stack trace as well.") private boolean debug;

    private final Console console;

    Aim(Console console) {
        this.console = console;
    }

    /** Runs a command and ends the JVM with its exit code. */
    public static void main(String[] args) {
        System.setProperty("java.awt.headless", "true"); // pictures are files; no window is ever opened
        System.exit(run(Console.ofProcess(), args));
    }

    /** Runs a command line against {@code console} and returns the exit code; does not end the JVM. */
    static int run(Console console, String... args) {
        try {
            return commandLine(console).execute(args);
        } catch (OutOfMemoryError e) {
            console.err().println(ErrorReport.outOfMemory(e));
            return FAILED;
        }
    }

    /** The whole tree of commands. */
    static CommandLine commandLine(Console console) {
        Aim aim = new Aim(console);
        CommandLine root = new CommandLine(aim, new CommandFactory(console));
        root.setCaseInsensitiveEnumValuesAllowed(true);
        root.setUsageHelpAutoWidth(true);
        root.setOut(new PrintWriter(console.out(), true));
        root.setErr(new PrintWriter(console.err(), true));
        root.setParameterExceptionHandler(aim::wrongUsage);
        root.setExecutionExceptionHandler(aim::failed);
        return root;
    }

    /** {@code aim} alone. */
    @Override
    public Integer call() {
        throw new ParameterException(spec.commandLine(), "command: none given, expected one of "
                + String.join(", ", spec.subcommands().keySet()));
    }

    private int wrongUsage(ParameterException e, String[] args) {
        report(ErrorReport.wrongUsage(e), e);
        return USAGE;
    }

    private int failed(Exception e, CommandLine command, ParseResult parsed) {
        report(ErrorReport.failure(e), e);
        return FAILED;
    }

    private void report(String line, Exception e) {
        console.err().println(line);
        if (debug) {
            e.printStackTrace(console.err());
        }
    }
}
