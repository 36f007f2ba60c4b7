package org.aimjvm.cli.recipe;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** Settings as words of a command line. One that has the option's default is left out: it says nothing. */
final class SettingWords {
    private SettingWords() {}

    /**
     * The words for a command.
     *
     * @throws IllegalArgumentException if there is no such option, or it takes no such value; types are checked when the
     *     words are parsed
     */
    static List<String> of(CommandSpec command, Map<String, Setting> settings) {
        List<String> words = new ArrayList<>();
        settings.forEach((name, setting) -> {
            OptionSpec option = command.findOption("--" + name);
            if (option == null || !option.longestName().equals("--" + name)) {
                throw setting.wrong(name + ": unknown option (expected one of '" + command.qualifiedName(" ")
                        + " --help')");
            }
            if (setting.list() && !option.isMultiValue()) {
                throw setting.wrong(name + ": a list (expected one value)");
            }
            if (option.arity().max() == 0) {
                flag(words, name, setting);
            } else if (!isDefault(option, setting.text())) {
                words.add("--" + name + "=" + setting.text());
            }
        });
        return words;
    }

    private static void flag(List<String> words, String name, Setting setting) {
        switch (setting.text()) {
            case "true" -> words.add("--" + name);
            case "false" -> {
                // as if it were not given
            }
            default -> throw setting.wrong(name + ": " + setting.text() + " (expected true or false)");
        }
    }

    private static boolean isDefault(OptionSpec option, String text) {
        String usual = option.defaultValue();
        if (usual == null) {
            return false;
        }
        return isSame(usual, text);
    }

    /** Whether two texts are one value: numbers may be written in several ways, names in small or capital letters. */
    static boolean isSame(String a, String b) {
        return a.equalsIgnoreCase(b)
                || isNumber(a) && isNumber(b) && Double.parseDouble(a) == Double.parseDouble(b);
    }

    private static boolean isNumber(String text) {
        return text.matches("[+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d+)?");
    }
}
