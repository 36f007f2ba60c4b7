package org.aimjvm.checkpoint;

import java.nio.file.Path;
import java.text.Normalizer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.aimjvm.backend.Shape;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.TensorInfo;
import org.aimjvm.io.TensorSource;
import org.aimjvm.model.AimModel;

/**
 * The rows of the class table that a sequence model takes over from another one with another list of classes.
 *
 * @param rows by new label the old label, or {@value #NEW} for a class that starts anew
 * @param oldClasses classes of the old model; the row after them is its null class, which is always taken over
 */
public record ClassRows(List<Integer> rows, int oldClasses) {
    /** In place of a label: there is none. */
    public static final int NEW = -1;

    private static final int SHOWN = 8;

    /** How new classes find old ones. */
    public enum Rule {
        /** Label by label; there must be as many. */
        KEEP,
        /**
         * By name, without regard to case; where several classes have one name, the first takes the first, and so on.
         */
        BY_NAME,
        /** All start anew. */
        NEW
    }

    public ClassRows {
        rows = Collections.unmodifiableList(new ArrayList<>(rows));
        if (rows.isEmpty()) {
            throw new IllegalArgumentException("classes: none (expected at least one)");
        }
        for (int row : rows) {
            if (row < NEW || row >= oldClasses) {
                throw new IllegalArgumentException(
                        "class: " + row + " (expected 0 to " + (oldClasses - 1) + ", or " + NEW + " for a new one)");
            }
        }
    }

    /**
     * The rows by a rule.
     *
     * @param oldNames names by label of the old model's classes, empty if they have none
     * @param oldClasses their number
     * @param newNames names by label of the new classes
     * @throws IllegalArgumentException by {@code KEEP} if there are more or fewer, by {@code BY_NAME} if the old ones
     *     have no names
     */
    public static ClassRows of(Rule rule, List<String> oldNames, int oldClasses, List<String> newNames) {
        return switch (rule) {
            case NEW -> new ClassRows(Collections.nCopies(newNames.size(), NEW), oldClasses);
            case KEEP -> {
                if (newNames.size() != oldClasses) {
                    throw new IllegalArgumentException("classes: keep " + oldClasses + " for " + newNames.size()
                            + " new ones (expected as many; by-name takes those that are known, new none)");
                }
                List<Integer> same = new ArrayList<>();
                for (int i = 0; i < oldClasses; i++) {
                    same.add(i);
                }
                yield new ClassRows(same, oldClasses);
            }
            case BY_NAME -> {
                if (oldNames.isEmpty()) {
                    throw new IllegalArgumentException("classes: by-name of a model whose " + oldClasses
                            + " classes have no names (expected keep or new)");
                }
                yield byName(oldNames, oldClasses, newNames);
            }
        };
    }

    /** The rule that is meant where none is given: by name if there are names, else label by label if that fits. */
    public static Rule usual(List<String> oldNames, int oldClasses, List<String> newNames) {
        if (!oldNames.isEmpty()) {
            return Rule.BY_NAME;
        }
        return newNames.size() == oldClasses ? Rule.KEEP : Rule.NEW;
    }

    private static ClassRows byName(List<String> oldNames, int oldClasses, List<String> newNames) {
        Map<String, Deque<Integer>> labels = new HashMap<>();
        for (int i = 0; i < oldNames.size(); i++) {
            labels.computeIfAbsent(folded(oldNames.get(i)), _ -> new ArrayDeque<>()).add(i);
        }
        List<Integer> rows = new ArrayList<>();
        for (String name : newNames) {
            Integer old = labels.getOrDefault(folded(name), new ArrayDeque<>()).poll();
            rows.add(old == null ? NEW : old);
        }
        return new ClassRows(rows, oldClasses);
    }

    private static String folded(String name) {
        return Normalizer.normalize(name, Normalizer.Form.NFC).strip().toLowerCase(Locale.ROOT);
    }

    /** Number of classes that start anew. */
    public int fresh() {
        return Collections.frequency(rows, NEW);
    }

    /** One line for people: how many classes are taken over, and which start anew. */
    public String summary(List<String> newNames) {
        List<String> fresh = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            if (rows.get(i) == NEW) {
                fresh.add(newNames.get(i));
            }
        }
        String names = String.join(", ", fresh.subList(0, Math.min(SHOWN, fresh.size())))
                + (fresh.size() > SHOWN ? ", ..." : "");
        return (rows.size() - fresh.size()) + " of " + oldClasses + " classes taken over, " + fresh.size() + " new"
                + (fresh.isEmpty() ? "" : ": " + names);
    }

    /**
     * The tensors of a sequence model with the class table of the new classes.
     *
     * @param old the old model's, named {@code mamba.*}
     * @param start the table as it is in a new model of the new classes, (classes + 1, dModel). Not modified
     */
    TensorSource of(TensorSource old, float[] start) {
        TensorInfo info = old.info(AimModel.CLASS_TABLE);
        int dim = info.shape().dim(1);
        return new Remapped(old, info, Shape.of(rows.size() + 1, dim), start);
    }

    /** A source in which one tensor is another. */
    private final class Remapped implements TensorSource {
        private final TensorSource old;
        private final TensorInfo info;
        private final float[] start;

        Remapped(TensorSource old, TensorInfo info, Shape shape, float[] start) {
            this.old = old;
            this.info = new TensorInfo(info.name(), info.dtype(), shape);
            this.start = start;
        }

        @Override
        public Path path() {
            return old.path();
        }

        @Override
        public Set<String> names() {
            return old.names();
        }

        @Override
        public TensorInfo info(String name) {
            return name.equals(AimModel.CLASS_TABLE) ? info : old.info(name);
        }

        @Override
        public float[] readFloats(String name) {
            if (!name.equals(AimModel.CLASS_TABLE)) {
                return old.readFloats(name);
            }
            float[] from = old.readFloats(name);
            int dim = info.shape().dim(1);
            float[] table = start.clone();
            for (int i = 0; i < rows.size(); i++) {
                if (rows.get(i) != NEW) {
                    System.arraycopy(from, rows.get(i) * dim, table, i * dim, dim);
                }
            }
            System.arraycopy(from, oldClasses * dim, table, rows.size() * dim, dim);
            return table;
        }

        @Override
        public int[] readInts(String name) {
            throw noNumbers(name);
        }

        @Override
        public long[] readLongs(String name) {
            throw noNumbers(name);
        }

        private CheckpointException noNumbers(String name) {
            return new CheckpointException(path(), name, "integers (expected weights)");
        }

        @Override
        public Map<String, String> metadata() {
            return old.metadata();
        }

        @Override
        public void close() {
            old.close();
        }
    }
}
