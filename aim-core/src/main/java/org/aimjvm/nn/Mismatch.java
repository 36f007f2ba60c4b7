package org.aimjvm.nn;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The differences between a checkpoint's tensors and those a model asks for; each entry is a name with its shape.
 *
 * @param missing asked for, but not there, with the expected shape
 * @param misshapen there, but of another shape, with both
 * @param unexpected there, but not asked for
 */
public record Mismatch(List<String> missing, List<String> misshapen, List<String> unexpected) {
    /** Entries of each kind that the text names; a configuration of another model gives hundreds. */
    private static final int SHOWN = 10;

    public Mismatch {
        missing = List.copyOf(missing);
        misshapen = List.copyOf(misshapen);
        unexpected = List.copyOf(unexpected);
    }

    /** Whether everything fits. */
    public boolean isEmpty() {
        return count() == 0;
    }

    /** Number of tensors that do not fit. */
    public int count() {
        return missing.size() + misshapen.size() + unexpected.size();
    }

    /** Both together. */
    public Mismatch and(Mismatch other) {
        return new Mismatch(
                joined(missing, other.missing), joined(misshapen, other.misshapen),
                joined(unexpected, other.unexpected));
    }

    private static List<String> joined(List<String> a, List<String> b) {
        return Stream.concat(a.stream(), b.stream()).toList();
    }

    /** One line that names tensors of every kind. */
    @Override
    public String toString() {
        return describe("is this another model's checkpoint or config.json?");
    }

    /** As {@link #toString} with another guess at what is wrong. */
    public String describe(String guess) {
        List<String> kinds = new ArrayList<>();
        add(kinds, "missing", missing);
        add(kinds, "of another shape", misshapen);
        add(kinds, "unexpected", unexpected);
        return count() + " tensors do not fit the configuration (" + guess + "): " + String.join("; ", kinds);
    }

    private static void add(List<String> kinds, String kind, List<String> names) {
        if (!names.isEmpty()) {
            int shown = Math.min(SHOWN, names.size());
            kinds.add(names.size() + " " + kind + ": " + String.join(", ", names.subList(0, shown))
                    + (shown < names.size() ? ", ..." : ""));
        }
    }
}
