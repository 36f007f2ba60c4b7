package org.aimjvm.cli;

import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.aimjvm.cli.command.CliCommands;
import org.aimjvm.cli.recipe.RecipeReplay;
import org.aimjvm.command.CommandFactory;
import org.aimjvm.command.CommandProvider;
import org.aimjvm.command.Console;
import org.aimjvm.command.ErrorReport;
import org.aimjvm.command.ExitCode;
import org.aimjvm.command.Recorded;
import org.aimjvm.command.ResultStream;
import org.aimjvm.command.Version;
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
        footer = {"", "Exit codes: 0 done, 1 failed, 2 wrong usage, 141 the reader of the output has left.",
            "'aim COMMAND --help' explains a command."})
public final class Aim implements Callable<Integer> {
    private static final String DEBUG = "--debug";

    @Spec private CommandSpec spec;

    @Option(names = {"-h", "--help"}, usageHelp = true, scope = ScopeType.INHERIT,
            description = "Print this help.") private boolean help;

    @Option(names = "--version", versionHelp = true,
            description = "Print the versions of AiM and of the JVM.") private boolean version;

    @Recorded(Recorded.As.NOTHING)
    @Option(
            names = DEBUG,
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
    public static int run(Console console, String... args) {
        int exit;
        try {
            exit = commandLine(console, args.length > 0 ? args[0] : null).execute(args);
        } catch (RuntimeException | Error e) {
            // Commands' exceptions are reported in the tree; this is the tree itself, or what no code expects, such as
            // no memory.
            report(console, ErrorReport.unexpected(e), e, List.of(args).contains(DEBUG));
            exit = ExitCode.FAILED;
        }
        if (console.out() instanceof ResultStream out && out.readerHasLeft()) {
            return exit == ExitCode.OK ? ExitCode.READER_LEFT : exit;
        }
        if (console.out().checkError()) {
            console.err().println(
                    "aim: standard output: cannot be written (expected room for the result, and a reader of it)");
            return Math.max(exit, ExitCode.FAILED);
        }
        return exit;
    }

    /** The whole tree of commands. */
    static CommandLine commandLine(Console console) {
        return commandLine(console, null);
    }

    /** The tree with only the given command, if there is one of that name: reading the options of all takes long. */
    static CommandLine commandLine(Console console, String only) {
        Aim aim = new Aim(console);
        CommandFactory factory = new CommandFactory(console);
        CommandLine root = new CommandLine(aim, factory);
        Map<String, Class<?>> own = new CliCommands().commands();
        Map<String, Class<?>> all = own.containsKey(only) ? own : withOtherModules(own);
        if (all.containsKey(only)) {
            root.addSubcommand(only, new CommandLine(all.get(only), factory));
        } else {
            all.forEach((name, command) -> root.addSubcommand(name, new CommandLine(command, factory)));
            ModuleCommands.addMissing(root);
        }
        root.setCaseInsensitiveEnumValuesAllowed(true);
        root.setUsageHelpAutoWidth(true);
        root.setOut(new PrintWriter(console.out(), true));
        root.setErr(new PrintWriter(console.err(), true));
        root.setExecutionStrategy(new RecipeReplay(console));
        root.setParameterExceptionHandler(aim::wrongUsage);
        root.setExecutionExceptionHandler(aim::failed);
        return root;
    }

    /**
     * The commands by name, in the order of the help: those of this module, then those of other modules by name.
     *
     * @throws IllegalStateException if two modules bring a command of one name
     */
    private static Map<String, Class<?>> withOtherModules(Map<String, Class<?>> own) {
        Map<String, Class<?>> all = new LinkedHashMap<>(own);
        Map<String, Class<?>> others = new TreeMap<>();
        for (CommandProvider provider : ServiceLoader.load(CommandProvider.class)) {
            provider.commands().forEach((name, command) -> {
                if (all.containsKey(name) || others.put(name, command) != null) {
                    throw new IllegalStateException(
                            "command " + name
                                    + ": brought by two modules, expected one (is a jar twice on the class path?)");
                }
            });
        }
        all.putAll(others);
        return all;
    }

    /** {@code aim} alone. */
    @Override
    public Integer call() {
        throw new ParameterException(spec.commandLine(), "command: none given, expected one of "
                + String.join(", ", spec.subcommands().keySet()));
    }

    private int wrongUsage(ParameterException e, String[] args) {
        report(console, ErrorReport.wrongUsage(e), e, debug);
        return ExitCode.USAGE;
    }

    private int failed(Exception e, CommandLine command, ParseResult parsed) {
        report(console, ErrorReport.failure(e), e, debug);
        return ExitCode.FAILED;
    }

    private static void report(Console console, String line, Throwable e, boolean debug) {
        console.err().println(line);
        if (debug) {
            e.printStackTrace(console.err());
        }
    }
}
