package org.aimjvm.cli.recipe;

import java.util.List;
import java.util.Map;
import org.aimjvm.command.Checkable;
import org.aimjvm.command.CommandFactory;
import org.aimjvm.command.Console;
import org.aimjvm.command.ErrorReport;
import org.aimjvm.command.ExitCode;
import org.aimjvm.command.Recipes;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/**
 * The ordinary commands of {@code aim}, to be parsed and run in this process.
 *
 * @param classes by name
 */
public record Commands(Map<String, Class<?>> classes) {
    public Commands {
        classes = Map.copyOf(classes);
    }

    /** Runs a command line, which complains on the console as if it had been typed. */
    int run(Console console, List<String> words) {
        CommandLine tree = tree(console, words.getFirst());
        tree.setParameterExceptionHandler((e, _) -> {
            console.err().println(ErrorReport.wrongUsage(e));
            return ExitCode.USAGE;
        });
        tree.setExecutionExceptionHandler((e, _, _) -> {
            console.err().println(ErrorReport.failure(e));
            return ExitCode.FAILED;
        });
        return tree.execute(words.toArray(String[]::new));
    }

    /** The command of these words, not parsed. */
    CommandSpec spec(Console console, List<String> words) {
        CommandLine command = tree(console, words.getFirst());
        for (String word : words) {
            command = command.getSubcommands().get(word);
        }
        return command.getCommandSpec();
    }

    /**
     * The options of a command line that decide numbers, see {@link Recipes#options}; it is checked, not run.
     *
     * @throws ParameterException if it is wrong
     */
    Map<String, Object> options(Console console, List<String> words) {
        CommandSpec command = leaf(tree(console, words.getFirst()).parseArgs(words.toArray(String[]::new)))
                .commandSpec();
        if (command.userObject() instanceof Checkable checkable) {
            checkable.check();
        }
        return Recipes.options(command);
    }

    /** The command that a command line ends at. */
    static ParseResult leaf(ParseResult parsed) {
        ParseResult leaf = parsed;
        while (leaf.hasSubcommand()) {
            leaf = leaf.subcommand();
        }
        return leaf;
    }

    private CommandLine tree(Console console, String name) {
        CommandFactory factory = new CommandFactory(console);
        CommandLine root = new CommandLine(CommandSpec.create().name("aim"), factory);
        root.addSubcommand(name, new CommandLine(classes.get(name), factory));
        root.setCaseInsensitiveEnumValuesAllowed(true);
        return root;
    }
}
