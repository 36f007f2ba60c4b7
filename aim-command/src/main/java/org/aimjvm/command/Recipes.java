package org.aimjvm.command;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import picocli.CommandLine.Model.CommandSpec;

/** The command that made a model, as its {@code aim.json} tells people. */
public final class Recipes {
    /** Options that do not change what comes out. */
    private static final Set<String> WITHOUT_EFFECT = Set.of(
            "--out", "--resume", "--debug", "--backend", "--device", "--verbose", "--threads", "--checkpoint-every",
            "--keep", "--report-every",
            "--sample-every",
            "--validate-every",
            "--validate-pictures");

    /** Options whose value is a path or the name of an embedded model. */
    private static final Set<String> MODELS = Set.of("--model", "--tokenizer", "--init");

    /** In front of a path in a value. */
    private static final String FEATURES = "features=";

    private Recipes() {}

    /** The command line as it was given, without options that change nothing, and with only the last name of paths. */
    public static String of(CommandSpec command) {
        List<String> words = new ArrayList<>(List.of(command.qualifiedName(" ")));
        command.commandLine().getParseResult().matchedOptions().forEach(option -> {
            if (WITHOUT_EFFECT.contains(option.longestName())) {
                return;
            }
            words.add(option.longestName());
            if (option.arity().max() > 0) {
                String value = String.join(",", option.originalStringValues());
                boolean path = option.getValue() instanceof Path || MODELS.contains(option.longestName());
                if (path) {
                    words.add(String.valueOf(Path.of(value).getFileName()));
                } else if (value.startsWith(FEATURES)) {
                    words.add(FEATURES + Path.of(value.substring(FEATURES.length())).getFileName());
                } else {
                    words.add(value);
                }
            }
        });
        return String.join(" ", words);
    }
}
