package org.aimjvm.cli.output;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;
import org.aimjvm.measure.Growth;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * The picture of {@code aim bench growth}: time per code and time so far against length; time and memory against the
 * batch.
 */
public final class GrowthPlot {
    private GrowthPlot() {}

    public static void write(Path png, List<Growth.Row> positions, List<Growth.Row> sizes, int batchTokens)
            throws IOException {
        XYChart step = chart("Time of a code", "position", "ms");
        XYChart total = chart("Time of all codes so far", "codes", "s");
        XYChart batch = chart("Time of a code and picture", "pictures side by side", "ms");
        XYChart memory = chart("States, keys and values at " + batchTokens + " codes", "pictures side by side", "MiB");
        for (Growth.Model model : Growth.Model.values()) {
            List<Growth.Row> long1 = positions.stream().filter(r -> r.model() == model).toList();
            List<Growth.Row> many = sizes.stream().filter(r -> r.model() == model).toList();
            add(step, model, long1, Growth.Row::position, r -> 1e3 * r.seconds().median());
            step.getStyler().setYAxisMin(0.0);
            List<Double> sums = new ArrayList<>();
            double sum = 0;
            int before = 0;
            for (Growth.Row r : long1) {
                sum += (r.position() - before) * r.seconds().median();
                before = r.position();
                sums.add(sum);
            }
            total.addSeries(model.title(), values(long1, Growth.Row::position), doubles(sums))
                    .setMarker(SeriesMarkers.NONE);
            add(batch, model, many, Growth.Row::batch, r -> 1e3 * r.seconds().median() / r.batch());
            batch.getStyler().setYAxisMin(0.0);
            add(memory, model, many, Growth.Row::batch, r -> r.stateBytes() / (double) (1 << 20));
        }
        Charts.write(png, 2, List.of(step, total, batch, memory));
    }

    private static XYChart chart(String title, String x, String y) {
        XYChart chart = new XYChartBuilder()
                .width(Charts.WIDTH * 2 / 3)
                .height(Charts.HEIGHT * 2 / 3)
                .title(title)
                .xAxisTitle(x)
                .yAxisTitle(y)
                .build();
        Charts.style(chart.getStyler());
        chart.getStyler().setLegendPosition(Styler.LegendPosition.InsideNW);
        return chart;
    }

    private static void add(
            XYChart chart, Growth.Model model, List<Growth.Row> rows, ToDoubleFunction<Growth.Row> x,
            ToDoubleFunction<Growth.Row> y) {
        chart.addSeries(model.title(), values(rows, x), values(rows, y))
                .setMarker(rows.size() > 20 ? SeriesMarkers.NONE : SeriesMarkers.CIRCLE);
    }

    private static double[] values(List<Growth.Row> rows, ToDoubleFunction<Growth.Row> of) {
        return rows.stream().mapToDouble(of).toArray();
    }

    private static double[] doubles(List<Double> values) {
        return values.stream().flatMapToDouble(DoubleStream::of).toArray();
    }
}
