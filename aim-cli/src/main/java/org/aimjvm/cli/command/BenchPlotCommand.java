package org.aimjvm.cli.command;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import org.aimjvm.cli.output.Charts;
import org.aimjvm.command.Console;
import org.aimjvm.command.ExitCode;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.style.Styler;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code aim bench plot}: the shares of the limits that {@code aim bench --json} left. */
@Command(
        name = "plot",
        description = "Draw what share of the machine's limits the works of 'aim bench --json' reached: of reading memory for"
                + " decoding one picture, by model and format of the weights; of multiply-adds for the others.")
final class BenchPlotCommand implements Callable<Integer> {
    private static final String PERCENT = "%";

    @Parameters(paramLabel = "JSON", arity = "1..*", description = "Files of 'aim bench --json'.") private List<
            Path> files;

    @Option(
            names = {"-o", "--out"},
            required = true,
            paramLabel = "FILE",
            description = "PNG to write.") private Path out;

    private final Console console;

    BenchPlotCommand(Console console) {
        this.console = console;
    }

    /** What tells states of another format apart; files of earlier versions know only one. */
    private static String states(Path file, JsonNode row) throws IOException {
        String states = row.has("states") ? text(file, row, "states") : "f32";
        return states.equals("f32") ? "" : ", states " + states;
    }

    @Override
    public Integer call() throws IOException {
        Map<String, Map<String, Double>> bandwidth = new LinkedHashMap<>(); // format, model: share
        Map<String, Map<String, Double>> peak = new LinkedHashMap<>(); // format, work: share
        for (Path file : files) {
            for (JsonNode row : read(file)) {
                String format = text(file, row, "weights") + states(file, row);
                String preset = text(file, row, "preset");
                String work = text(file, row, "work");
                int batch = (int) number(file, row, "batch");
                boolean decode = work.equals("lm-decode");
                boolean guided = row.get("guided") != null && row.get("guided").booleanValue();
                if (decode && batch == 1 && guided) {
                    put(bandwidth, format, preset, number(file, row, "share_of_bandwidth"));
                } else if (!decode || guided) {
                    JsonNode losses = row.get("losses");
                    String name = preset + " " + work.substring(work.indexOf('-') + 1)
                            + (losses == null ? "" : " " + losses.asString()) + (batch > 1 ? " x" + batch : "");
                    put(peak, format, name, number(file, row, "share_of_peak"));
                }
            }
        }
        List<CategoryChart> charts = new ArrayList<>();
        add(charts, "Decoding one picture with guidance: share of reading memory", bandwidth);
        add(charts, "Other works: share of multiply-adds", peak);
        if (charts.isEmpty()) {
            throw new IllegalArgumentException(files + ": no works to draw, expected rows of 'aim bench --json'");
        }
        Charts.write(out, 1, charts);
        console.out().println(out);
        return ExitCode.OK;
    }

    private static JsonNode read(Path file) throws IOException {
        try {
            JsonNode rows = JsonMapper.shared().readTree(Files.readString(file));
            if (rows.isArray()) {
                return rows;
            }
        } catch (JacksonException e) {
            throw new IOException(file + ": not JSON: " + e.getOriginalMessage(), e);
        }
        throw new IOException(file + ": not a list, expected a file of 'aim bench --json'");
    }

    private static String text(Path file, JsonNode row, String key) throws IOException {
        JsonNode value = row.get(key);
        if (value == null || !value.isString()) {
            throw new IOException(file + ": " + key + ": " + value + ", expected a text, as 'aim bench --json' writes");
        }
        return value.stringValue();
    }

    private static double number(Path file, JsonNode row, String key) throws IOException {
        JsonNode value = row.get(key);
        if (value == null || !value.isNumber()) {
            throw new IOException(
                    file + ": " + key + ": " + value + ", expected a number, as 'aim bench --json' writes");
        }
        return value.doubleValue();
    }

    private static void put(Map<String, Map<String, Double>> shares, String format, String name, double share) {
        // as it is written on the bars
        shares.computeIfAbsent(format, f -> new LinkedHashMap<>()).put(name, (double) Math.round(100 * share));
    }

    private static void add(List<CategoryChart> charts, String title, Map<String, Map<String, Double>> shares) {
        if (shares.isEmpty()) {
            return;
        }
        CategoryChart chart = new CategoryChartBuilder()
                .width(Charts.WIDTH * 4 / 3)
                .height(Charts.HEIGHT)
                .title(title)
                .yAxisTitle(PERCENT)
                .build();
        Charts.style(chart.getStyler());
        chart.getStyler()
                .setLabelsVisible(true)
                .setYAxisMin(0.0)
                .setYAxisMax(100.0)
                .setXAxisLabelRotation(20)
                .setLegendPosition(Styler.LegendPosition.OutsideE);
        Set<String> names = new LinkedHashSet<>();
        shares.values().forEach(m -> names.addAll(m.keySet()));
        shares.forEach((format, byName) -> chart.addSeries(
                format, List.copyOf(names),
                names.stream().map(n -> byName.getOrDefault(n, 0.0)).toList()));
        charts.add(chart);
    }
}
