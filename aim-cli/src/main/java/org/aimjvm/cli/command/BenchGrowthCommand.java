package org.aimjvm.cli.command;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.cli.output.GrowthPlot;
import org.aimjvm.command.ComputeOptions;
import org.aimjvm.command.OutputPaths;
import org.aimjvm.command.Console;
import org.aimjvm.command.ExitCode;
import org.aimjvm.command.Names;
import org.aimjvm.command.OptionChecks;
import org.aimjvm.measure.Growth;
import org.aimjvm.measure.LmSubject;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code aim bench growth}: what longer pictures and larger batches cost, beside a transformer. */
@Command(
        name = "growth",
        description = "Measure how time and memory grow with the length of a picture and with the batch: AiM-B, and a"
                + " transformer of the same size with a cache of keys and values (LlamaGen-B: 12 layers, 768 channels, 12"
                + " heads), from the same library. Takes some minutes.")
final class BenchGrowthCommand implements Callable<Integer> {
    private static final int MAX_TOKENS = 1 << 16;
    private static final int MAX_BATCH = 256;
    /** Length of the pictures whose batches are compared: the published models'. */
    private static final int BATCH_TOKENS = 256;

    @Spec private CommandSpec spec;

    @Mixin private ComputeOptions compute;

    @Option(
            names = "--tokens",
            defaultValue = "4096",
            paramLabel = "N",
            description = "Codes of the long picture, a square number (default: ${DEFAULT-VALUE}).") private int tokens;

    @Option(
            names = "--batch",
            split = ",",
            defaultValue = "1,2,4,8,16",
            paramLabel = "N",
            description = "Pictures side by side (default: ${DEFAULT-VALUE}).") private List<Integer> batches;

    @Option(
            names = "--seconds",
            defaultValue = "3",
            paramLabel = "S",
            description = "Seconds to measure each batch for (default: ${DEFAULT-VALUE}).") private double seconds;

    @Option(names = "--csv", paramLabel = "FILE", description = "Write all rows as a table.") private Path csv;

    @Option(names = "--plot", paramLabel = "FILE", description = "Draw them, as a PNG.") private Path plot;

    private final Console console;

    BenchGrowthCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws IOException {
        Backend backend = compute.backend(console);
        check();
        console.out().println("backend  " + backend.description());
        List<Growth.Row> positions = new ArrayList<>();
        for (Growth.Model model : Growth.Model.values()) {
            console.remark("%s: drawing %d codes", model.title(), tokens);
            List<Growth.Row> rows = Growth.overPositions(backend, model, tokens, seconds);
            positions.addAll(rows);
            print(rows);
        }
        List<Growth.Row> sizes = new ArrayList<>();
        for (Growth.Model model : Growth.Model.values()) {
            List<Growth.Row> rows = Growth.overBatches(backend, model, BATCH_TOKENS, batches, seconds);
            sizes.addAll(rows);
            print(rows);
        }
        if (csv != null) {
            writeCsv(positions, sizes);
        }
        if (plot != null) {
            GrowthPlot.write(plot, positions, sizes, BATCH_TOKENS);
        }
        return ExitCode.OK;
    }

    private void check() {
        OptionChecks checks = new OptionChecks(spec).within("--seconds", seconds, 0.01, 3601);
        int side = (int) Math.round(Math.sqrt(tokens));
        if (tokens < 4 || tokens > MAX_TOKENS || side * side != tokens) {
            throw checks.usage("--tokens: " + tokens + " (expected a square number, 4 to " + MAX_TOKENS + ")");
        }
        for (int batch : batches) {
            if (batch < 1 || batch > MAX_BATCH) {
                throw checks.usage("--batch: " + batch + " (expected 1 to " + MAX_BATCH + ")");
            }
        }
        int largest = batches.stream().mapToInt(Integer::intValue).max().orElseThrow();
        for (Growth.Model model : Growth.Model.values()) {
            BenchCommand.requireHeap(
                    spec, model.title() + " with " + tokens + " codes",
                    LmSubject.bytesToDecode(model.config(tokens), WeightFormat.F32, 1, false), "fewer --tokens");
            BenchCommand.requireHeap(
                    spec, model.title() + " with batch " + largest,
                    LmSubject.bytesToDecode(model.config(BATCH_TOKENS), WeightFormat.F32, largest, false),
                    "a smaller --batch");
        }
    }

    /** The first rows, then every power of two. */
    private void print(List<Growth.Row> rows) {
        console.out().printf(Locale.ROOT, "%-24s %5s %9s %9s  %-18s %9s%n", "model", "batch", "up to", "ms/token",
                "10 % to 90 %",
                "state MiB");
        for (int i = 0; i < rows.size(); i++) {
            Growth.Row r = rows.get(i);
            if (r.batch() > 1 || Integer.bitCount(i + 1) == 1 || i == rows.size() - 1) {
                console.out().print(String.format(
                        Locale.ROOT, "%-24s %5d %9d %9.2f  %-18s %9.1f%n", r.model().title(), r.batch(), r.position(),
                        1e3 * r.seconds().median(),
                        String.format(Locale.ROOT, "%.2f to %.2f", 1e3 * r.seconds().low(), 1e3 * r.seconds().high()),
                        r.stateBytes() / (double) (1 << 20)));
            }
        }
        console.out().flush();
    }

    private void writeCsv(List<Growth.Row> positions, List<Growth.Row> sizes) throws IOException {
        StringBuilder text = new StringBuilder(
                "over,model,batch,position,seconds_per_step,p10,p90,least,greatest,count,state_bytes\n");
        positions.forEach(r -> append(text, "position", r));
        sizes.forEach(r -> append(text, "batch", r));
        OutputPaths.write(csv, text.toString().getBytes(StandardCharsets.UTF_8));
    }

    private static void append(StringBuilder text, String over, Growth.Row r) {
        text.append(String.format(
                Locale.ROOT, "%s,%s,%d,%d,%.6g,%.6g,%.6g,%.6g,%.6g,%d,%d%n", over, Names.of(r.model()), r.batch(),
                r.position(), r.seconds().median(), r.seconds().low(), r.seconds().high(), r.seconds().least(),
                r.seconds().greatest(), r.seconds().count(), r.stateBytes()));
    }
}
