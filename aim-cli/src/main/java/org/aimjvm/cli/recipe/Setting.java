package org.aimjvm.cli.recipe;

import java.util.List;
import java.util.Objects;

/**
 * The value of an option as a recipe has it.
 *
 * @param values one as the command line would take it, or those of a list
 * @param list whether they were written as a list
 * @param where what says so, for messages: a file with a line, or an option
 */
record Setting(List<String> values, boolean list, String where) {
    Setting {
        values = List.copyOf(values);
        Objects.requireNonNull(where, "where");
    }

    static Setting of(String value, String where) {
        return new Setting(List.of(value), false, where);
    }

    /** As the command line takes it. */
    String text() {
        return String.join(",", values);
    }

    IllegalArgumentException wrong(String message) {
        return new IllegalArgumentException(where + ": " + message);
    }
}
