package org.aimjvm.train;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.aimjvm.io.AtomicFiles;
import org.aimjvm.io.CheckpointException;

/**
 * A table of measures that grows by one row per step: comma separated, a header, the first column {@code step}. Each
 * row is written at once, so a stopped run leaves whole rows.
 */
public final class MetricsCsv implements AutoCloseable {
    private static final String STEP = "step";

    private final List<String> columns;
    private final Writer out;

    private MetricsCsv(List<String> columns, Writer out) {
        this.columns = columns;
        this.out = out;
    }

    /**
     * Opens a table for the steps after {@code step}. An existing file keeps its rows up to {@code step}; later ones,
     * which a resumed run makes again, are removed. Header and kept rows appear at once.
     *
     * @param columns without {@code step}
     * @param step steps already made; 0 for a new run
     * @throws CheckpointException if the file has other columns, or cannot be read or written
     */
    public static MetricsCsv open(Path path, List<String> columns, int step) {
        List<String> all = new ArrayList<>(List.of(STEP));
        all.addAll(columns);
        String header = String.join(",", all);
        try {
            List<String> lines = new ArrayList<>(List.of(header));
            if (step > 0 && Files.exists(path)) {
                List<String> old = Files.readAllLines(path, StandardCharsets.UTF_8);
                if (old.isEmpty() || !old.getFirst().equals(header)) {
                    throw new CheckpointException(path, null, "columns " + (old.isEmpty() ? "none" : old.getFirst())
                            + ", expected "
                            + header + " (move it away to start a new table)");
                }
                for (String line : old.subList(1, old.size())) {
                    if (stepOf(path, line) <= step) {
                        lines.add(line);
                    }
                }
            }
            AtomicFiles.write(path, (String.join("\n", lines) + "\n").getBytes(StandardCharsets.UTF_8));
            return new MetricsCsv(
                    all, Files.newBufferedWriter(path, StandardCharsets.UTF_8, StandardOpenOption.APPEND));
        } catch (IOException e) {
            throw new CheckpointException(path, null, "cannot be written: " + e.getMessage(), e);
        }
    }

    private static int stepOf(Path path, String line) {
        String first = line.split(",", 2)[0];
        if (!first.matches("\\d{1,9}")) {
            throw new CheckpointException(path, null, "row \"" + line + "\", expected a step number first");
        }
        return Integer.parseInt(first);
    }

    /**
     * Adds a row.
     *
     * @param values by column; a column without value stays empty. Not modified
     * @throws IllegalArgumentException for a value without column
     */
    public void add(int step, Map<String, Double> values) {
        for (String name : values.keySet()) {
            if (!columns.contains(name)) {
                throw new IllegalArgumentException("column: " + name + " (expected one of " + columns + ")");
            }
        }
        String[] cells = new String[columns.size()];
        Arrays.setAll(cells, i -> i == 0 ? Integer.toString(step) : text(values.get(columns.get(i))));
        try {
            out.write(String.join(",", cells) + "\n");
            out.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String text(Double value) {
        return value == null ? "" : Float.toString(value.floatValue());
    }

    /**
     * Reads a table back.
     *
     * @return values by step and column, steps ascending; empty cells are left out
     * @throws CheckpointException if it cannot be read or is no such table
     */
    public static TreeMap<Integer, Map<String, Double>> read(Path path) {
        try {
            List<String> lines = Files.readAllLines(path, StandardCharsets.UTF_8);
            if (lines.isEmpty() || !lines.getFirst().startsWith(STEP)) {
                throw new CheckpointException(path, null, "no header, expected a first column " + STEP);
            }
            String[] names = lines.getFirst().split(",", -1);
            TreeMap<Integer, Map<String, Double>> table = new TreeMap<>();
            for (String line : lines.subList(1, lines.size())) {
                String[] cells = line.split(",", -1);
                if (cells.length != names.length) {
                    throw new CheckpointException(
                            path, null, "row \"" + line + "\", expected " + names.length + " columns");
                }
                Map<String, Double> row = table.computeIfAbsent(stepOf(path, line), s -> new LinkedHashMap<>());
                for (int i = 1; i < cells.length; i++) {
                    if (!cells[i].isEmpty()) {
                        row.put(names[i], Double.valueOf(cells[i]));
                    }
                }
            }
            return table;
        } catch (NumberFormatException e) {
            throw new CheckpointException(path, null, "not a number: " + e.getMessage(), e);
        } catch (IOException e) {
            throw new CheckpointException(path, null, "cannot be read: " + e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        try {
            out.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
