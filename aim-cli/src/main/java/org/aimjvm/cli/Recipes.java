package org.aimjvm.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import picocli.CommandLine.Model.CommandSpec;

/** The command that made a model, as its {@code aim.json} tells people. */
final class Recipes {
    /** Options that do not change what comes out. */
    private static final Set<String> WITHOUT_EFFECT = Set.of(
            "--out", "--resume", "--debug", "--backend", "--threads", "--checkpoint-every", "--keep", "--report-every",
            "--sample-every",
            "--validate-every",
            "--validate-pictures");

    private Recipes() {}

    /** The command line as it was given, without options that change nothing, and with only the last name of paths. */
    static String of(CommandSpec command) {
        List<String> words = new ArrayList<>(List.of(command.qualifiedName(" ")));
        command.commandLine().getParseResult().matchedOptions().forEach(option -> {
            if (WITHOUT_EFFECT.contains(option.longestName())) {
                return;
            }
            words.add(option.longestName());
            if (option.arity().max() > 0) {
                words.add(option.getValue() instanceof Path path
                        ? String.valueOf(path.getFileName())
                        : String.join(",", option.originalStringValues()));
            }
        });
        return String.join(" ", words);
    }
}
