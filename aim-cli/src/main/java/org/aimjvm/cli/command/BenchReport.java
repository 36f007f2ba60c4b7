package org.aimjvm.cli.command;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.aimjvm.backend.Backend;
import org.aimjvm.command.Console;
import org.aimjvm.command.OutputPaths;
import org.aimjvm.measure.MachineLimits;
import org.aimjvm.measure.Measurement;
import org.aimjvm.measure.Spread;
import org.aimjvm.model.AimConfig;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;

/** The table that {@code aim bench} prints row by row, and the JSON it leaves. */
final class BenchReport {
    private static final String ROW = "%-10s %-7s %-5s %-6s %5s %6s  %9s  %-17s %9s %9s  %7s %5s  %8s %5s%n";

    private static final String STAGE_ONE_ROW = "%-13s %-10s %-11s %5s  %9s  %-17s %9s %8s  %8s %5s  %10s%n";

    private final Console console;
    private final Backend backend;
    private final List<Measurement> rows = new ArrayList<>();
    private boolean headed;

    BenchReport(Console console, Backend backend) {
        this.console = console;
        this.backend = backend;
    }

    /** What the machine can do, before anything else. */
    void limits(MachineLimits l) {
        print("backend  %s%n", backend.description());
        print("java     %s, %s%n", Runtime.version(), System.getProperty("java.vm.name"));
        print("limits   %d threads, %s; median (10th to 90th percentile, best) of %d rounds%n", l.threads(), l.loops(),
                l.read().count());
        print("         reading memory in order    %s GB/s%n", giga(l.read()));
        print("         reading and writing it     %s GB/s, both ways counted%n", giga(l.update()));
        print("         multiply-adds in registers %s GFLOP/s%n", giga(l.multiplyAdd()));
    }

    private static String giga(Spread s) {
        return String.format(Locale.ROOT, "%6.1f (%.1f to %.1f, %.1f)", 1e-9 * s.median(), 1e-9 * s.low(),
                1e-9 * s.high(), 1e-9 * s.greatest());
    }

    /** What comes next, and what it needs: before the memory is taken. */
    void building(String preset, String weights, AimConfig config, long bytes) {
        String of = backend.limits().isPresent()
                ? " of device memory"
                : " of at most " + (Runtime.getRuntime().maxMemory() >> 20) + " MiB of heap";
        print("model    %s, %s: %d blocks of %d channels, takes about %d MiB%s%n", preset, weights, config.nLayer(),
                config.dModel(), bytes >> 20, of);
        headed = false;
    }

    /** Prints a row; the first of a model under a heading. */
    void add(Measurement m) {
        if (!headed) {
            headed = true;
            print(ROW, "work", "preset", "fmt", "states", "batch", "guided", "ms/step", "10 % to 90 %",
                    "s/image", "tokens/s", "GB/s", "share", "GFLOP/s", "share");
        }
        rows.add(m);
        Measurement.Subject s = m.subject();
        print(ROW, s.work(), s.preset(), s.weights(), s.states(), s.batch(), s.guided() ? "yes" : "no",
                number(1e3 * m.step().median()),
                number(1e3 * m.step().low()) + " to " + number(1e3 * m.step().high()),
                (m.extrapolated() ? "~" : "") + number(m.imageSeconds()), number(m.tokensPerSecond()),
                number(1e-9 * m.bytesPerSecond()), percent(m.shareOfBandwidth()), number(1e-9 * m.flopsPerSecond()),
                percent(m.shareOfPeak()));
    }

    /** Prints a row of a step of stage 1; the first under a heading. */
    void addStageOne(Measurement m) {
        if (rows.isEmpty() || rows.getLast().subject().losses() == null) {
            print(STAGE_ONE_ROW, "work", "preset", "losses", "batch", "ms/step", "10 % to 90 %", "images/s", "GFLOP",
                    "GFLOP/s", "share", "tensors");
        }
        rows.add(m);
        Measurement.Subject s = m.subject();
        print(STAGE_ONE_ROW, s.work(), s.preset(), s.losses(), s.batch(), number(1e3 * m.step().median()),
                number(1e3 * m.step().low()) + " to " + number(1e3 * m.step().high()), number(m.picturesPerSecond()),
                number(1e-9 * m.cost().flops()), number(1e-9 * m.flopsPerSecond()), percent(m.shareOfPeak()),
                (m.tensorBytes() >> 20) + " MiB");
    }

    /** Three significant digits. */
    private static String number(double x) {
        int digits = x >= 100 ? 0 : x >= 10 ? 1 : x >= 1 ? 2 : 3;
        return String.format(Locale.ROOT, "%." + digits + "f", x);
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.0f%%", 100 * share);
    }

    private void print(String format, Object... args) {
        console.out().print(String.format(Locale.ROOT, format, args));
        console.out().flush();
    }

    /** Writes all rows as a list of objects. */
    void write(Path json) throws IOException {
        JsonMapper mapper = JsonMapper.shared();
        ArrayNode list = mapper.createArrayNode();
        rows.forEach(m -> list.add(mapper.readTree(m.toJson(backend.description()))));
        OutputPaths.write(json, (list.toPrettyString() + "\n").getBytes(StandardCharsets.UTF_8));
    }
}
