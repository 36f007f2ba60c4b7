package org.aimjvm.cli.output;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import org.aimjvm.train.MetricsCsv;
import org.aimjvm.train.Trainer;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** A picture of a run's loss, drawn from its table of measures. */
public final class LossPlot {
    /** Points of a curve: more cannot be seen. */
    private static final int POINTS = 300;

    private record Curve(List<Double> x, List<Double> y) {}

    private LossPlot() {}

    /**
     * Draws the columns {@code loss} (means over short stretches) and {@code validation_loss}, and below them the
     * perplexity of the codes, where the table has them.
     */
    public static void write(Path metrics, Path png, String title) throws IOException {
        SortedMap<Integer, Map<String, Double>> table = MetricsCsv.read(metrics);
        List<XYChart> charts = new ArrayList<>();
        XYChart loss = chart(title, "loss");
        boolean any = add(loss, "training", curve(table, "loss", POINTS));
        any |= add(loss, "validation", curve(table, Trainer.VALIDATION + "loss", Integer.MAX_VALUE));
        if (any) {
            charts.add(loss);
        }
        XYChart codes = chart("codes in use", "perplexity of the codes");
        any = add(codes, "of a step", curve(table, "perplexity", POINTS));
        any |= add(codes, "validation", curve(table, Trainer.VALIDATION + "perplexity", Integer.MAX_VALUE));
        if (any) {
            charts.add(codes);
        }
        if (!charts.isEmpty()) {
            Charts.write(png, 1, charts);
        }
    }

    private static XYChart chart(String title, String measure) {
        XYChart chart = new XYChartBuilder()
                .width(Charts.WIDTH)
                .height(Charts.HEIGHT)
                .title(title)
                .xAxisTitle("step")
                .yAxisTitle(measure)
                .build();
        Charts.style(chart.getStyler());
        chart.getStyler().setLegendPosition(Styler.LegendPosition.InsideNE);
        return chart;
    }

    private static boolean add(XYChart chart, String name, Curve curve) {
        if (curve.x.isEmpty()) {
            return false;
        }
        XYSeries series = chart.addSeries(name, curve.x, curve.y);
        series.setMarker(curve.x.size() == 1 ? SeriesMarkers.CIRCLE : SeriesMarkers.NONE);
        return true;
    }

    /** At most {@code points} points, each the mean of as many consecutive values. */
    private static Curve curve(SortedMap<Integer, Map<String, Double>> table, String column, int points) {
        List<Integer> steps = new ArrayList<>();
        List<Double> values = new ArrayList<>();
        table.forEach((step, row) -> {
            Double value = row.get(column);
            if (value != null && Double.isFinite(value)) {
                steps.add(step);
                values.add(value);
            }
        });
        int stretch = Math.max(1, (int) Math.ceil((double) steps.size() / points));
        Curve curve = new Curve(new ArrayList<>(), new ArrayList<>());
        for (int from = 0; from < steps.size(); from += stretch) {
            int to = Math.min(steps.size(), from + stretch);
            curve.x.add(steps.subList(from, to).stream().mapToInt(Integer::intValue).average().orElseThrow());
            curve.y.add(values.subList(from, to).stream().mapToDouble(Double::doubleValue).average().orElseThrow());
        }
        return curve;
    }
}
