package org.aimjvm.checkpoint;

import java.text.Normalizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Finds classes by what users type. A name is taken exactly as it is if there is one; else without regard to case,
 * punctuation and spaces, if only one class fits; else a number is the label itself. Classes of ImageNet have their
 * other names and WordNet ids too.
 */
final class ClassNames {
    private static final String ALL = "all";
    /** Class names that an error message lists. */
    private static final int SHOWN = 20;

    private static final int NONE = -1;

    private final List<String> names;
    private final int count;
    private final Map<String, List<Integer>> exact = new HashMap<>();
    private final Map<String, List<Integer>> canonical = new HashMap<>();
    private final Map<String, List<Integer>> aliases = new HashMap<>();
    private final boolean imageNet;
    private int mostWords = 1;

    /**
     * @param names by label; empty if the classes have none
     * @param count classes of the model
     */
    ClassNames(List<String> names, int count) {
        this.names = names;
        this.count = count;
        for (int i = 0; i < names.size(); i++) {
            String form = canonical(names.get(i));
            exact.computeIfAbsent(names.get(i).strip(), _ -> new ArrayList<>()).add(i);
            canonical.computeIfAbsent(form, _ -> new ArrayList<>()).add(i);
            mostWords = Math.max(mostWords, form.split(" ").length);
        }
        this.imageNet = names.size() == ImageNetClasses.COUNT && names.equals(ImageNetClasses.names());
        if (imageNet) {
            for (int i = 0; i < count; i++) {
                alias(ImageNetClasses.id(i), i);
                for (String synonym : ImageNetClasses.synonyms(i)) {
                    alias(synonym, i);
                }
                alias(String.join(" ", ImageNetClasses.synonyms(i)), i);
            }
        }
    }

    private void alias(String name, int label) {
        String form = canonical(name);
        List<Integer> labels = aliases.computeIfAbsent(form, _ -> new ArrayList<>());
        if (!labels.contains(label)) {
            labels.add(label);
        }
        mostWords = Math.max(mostWords, form.split(" ").length);
    }

    /**
     * The label of one class.
     *
     * @throws IllegalArgumentException if there is none, naming those there are, or several fit, naming these
     */
    int label(String text) {
        int found = find(text);
        if (found == NONE) {
            throw new IllegalArgumentException(
                    "label: " + text + " (expected 0 to " + (count - 1) + namesLike(text) + ")");
        }
        return found;
    }

    /**
     * The labels of several classes, separated by commas, or of {@value #ALL}. A name that has commas of its own is
     * found before the text is taken apart at them.
     *
     * @throws IllegalArgumentException as {@link #label}, or if a part is a name as a whole and taken apart
     */
    List<Integer> labels(String text) {
        String[] parts = text.split(",");
        List<Integer> labels = new ArrayList<>();
        int from = 0;
        while (from < parts.length) {
            int to = Math.min(parts.length, from + mostWords);
            while (to > from + 1 && findWhole(parts, from, to) == NONE) {
                to--;
            }
            if (to > from + 1) {
                labels.add(findWhole(parts, from, to));
            } else if (parts[from].strip().equalsIgnoreCase(ALL)) {
                IntStream.range(0, count).forEach(labels::add);
            } else {
                labels.add(label(parts[from]));
            }
            from = to;
        }
        return labels.isEmpty() ? List.of(label(text)) : labels; // nothing but commas
    }

    private int findWhole(String[] parts, int from, int to) {
        String whole = String.join(",", Arrays.asList(parts).subList(from, to));
        if (parts[from].isBlank() || parts[to - 1].isBlank()) {
            return NONE; // a comma too many is no part of a name
        }
        int found = findName(whole);
        if (found == NONE || names.get(found).equals(whole.strip())) {
            return found;
        }
        int[] apart = IntStream.range(from, to).map(i -> find(parts[i])).toArray();
        if (Arrays.stream(apart).noneMatch(label -> label == NONE)
                && !Arrays.stream(apart).allMatch(label -> label == found)) {
            throw ambiguous(whole.strip(), IntStream.concat(IntStream.of(found), Arrays.stream(apart)));
        }
        return found;
    }

    /** By name or number; {@link #NONE} if there is none. */
    private int find(String text) {
        int named = findName(text);
        if (named == NONE && text.strip().matches("[0-9]{1,9}") && Integer.parseInt(text.strip()) < count) {
            return Integer.parseInt(text.strip());
        }
        return named;
    }

    private int findName(String text) {
        String form = canonical(text);
        List<Integer> fitting = exact.getOrDefault(
                text.strip(),
                form.isEmpty() ? List.of()
                        : canonical.getOrDefault(form, aliases.getOrDefault(form, List.of())));
        if (fitting.size() > 1) {
            throw ambiguous(text, fitting.stream().mapToInt(Integer::intValue));
        }
        return fitting.isEmpty() ? NONE : fitting.getFirst();
    }

    private IllegalArgumentException ambiguous(String text, IntStream candidates) {
        String list =
                candidates.limit(SHOWN).mapToObj(i -> (i < names.size() ? names.get(i) : "number") + " (" + i
                        + (imageNet ? ", " + ImageNetClasses.id(i) : "") + ")")
                        .collect(Collectors.joining("; "));
        return new IllegalArgumentException(
                "label: " + text + " may be any of " + list + ", expected exactly one of the names, or a number");
    }

    /** Names to offer instead: all if they are few, else some that share a word. */
    private String namesLike(String text) {
        if (names.isEmpty()) {
            return "";
        }
        if (names.size() <= SHOWN) {
            return ", or one of " + String.join(", ", names);
        }
        String wanted = canonical(text);
        String like = names.stream()
                .filter(name -> Arrays.stream(wanted.split(" ")).anyMatch(word -> canonical(name).contains(word)))
                .limit(SHOWN)
                .collect(Collectors.joining(", "));
        return ", or a class name" + (like.isEmpty() ? "" : " such as " + like);
    }

    /** Letters and digits in lower case, runs of all else as one space. */
    private static String canonical(String name) {
        return Normalizer.normalize(name, Normalizer.Form.NFC)
                .toLowerCase(Locale.ROOT)
                .replaceAll("[^\\p{L}\\p{M}\\p{N}]+", " ")
                .strip();
    }
}
