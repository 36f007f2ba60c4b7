package org.aimjvm.cli;

import java.io.PrintStream;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.aimjvm.command.Console;
import picocli.CommandLine;
import picocli.CommandLine.Help;

/**
 * The part of {@code docs/cli.md} that repeats {@code --help}: a text block behind each comment {@code <!-- help:
 * COMMAND -->}.
 */
final class CliReference {
    private static final int WIDTH = 110;
    private static final Pattern BLOCK =
            Pattern.compile("<!-- help: ([a-z0-9 -]+) -->\\R```text\\R(.*?)```", Pattern.DOTALL);

    private CliReference() {}

    /** The help texts by command, e.g. {@code aim train vq}. */
    static Map<String, String> helps() {
        Map<String, String> helps = new TreeMap<>();
        PrintStream nowhere = new PrintStream(PrintStream.nullOutputStream());
        collect(Aim.commandLine(new Console(nowhere, nowhere, false)), helps);
        return helps;
    }

    private static void collect(CommandLine command, Map<String, String> helps) {
        command.setUsageHelpAutoWidth(false);
        command.setUsageHelpWidth(WIDTH);
        String text = command.getUsageMessage(Help.Ansi.OFF).lines().map(String::stripTrailing)
                .reduce("", (a, b) -> a + b + "\n");
        helps.put(command.getCommandSpec().qualifiedName(" "), text);
        command.getSubcommands().values().forEach(sub -> collect(sub, helps));
    }

    /** The blocks of a document by command. */
    static Map<String, String> blocks(String document) {
        Map<String, String> blocks = new TreeMap<>();
        BLOCK.matcher(document).results().forEach(m -> blocks.put(m.group(1), m.group(2)));
        return blocks;
    }

    /** The document with the help texts of today. */
    static String updated(String document) {
        Map<String, String> helps = helps();
        return BLOCK.matcher(document).replaceAll((MatchResult m) -> Matcher.quoteReplacement(
                "<!-- help: " + m.group(1) + " -->\n```text\n" + helps.getOrDefault(m.group(1), "no such command\n")
                        + "```"));
    }
}
