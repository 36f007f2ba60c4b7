package org.aimjvm.cli.output;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.GraphicsEnvironment;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.aimjvm.io.Images;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.internal.chartpart.Chart;
import org.knowm.xchart.style.Styler;

/** Charts as PNG files, one style for all; also on machines without a screen. */
public final class Charts {
    public static final int WIDTH = 900;
    public static final int HEIGHT = 540;

    private Charts() {}

    /** The common style. */
    public static void style(Styler styler) {
        styler.setChartBackgroundColor(Color.WHITE).setPlotBorderVisible(false);
    }

    /**
     * Writes charts of equal size into one picture, row by row.
     *
     * @throws IOException if there are no fonts here, with the cure; or the file cannot be written
     */
    public static void write(Path png, int columns, List<? extends Chart<?, ?>> charts) throws IOException {
        requireFonts(png);
        int width = charts.getFirst().getWidth();
        int height = charts.getFirst().getHeight();
        int rows = Math.ceilDiv(charts.size(), columns);
        BufferedImage all = new BufferedImage(columns * width, rows * height, BufferedImage.TYPE_INT_RGB);
        Graphics2D g = all.createGraphics();
        g.setColor(Color.WHITE);
        g.fillRect(0, 0, all.getWidth(), all.getHeight());
        for (int i = 0; i < charts.size(); i++) {
            g.drawImage(BitmapEncoder.getBufferedImage(charts.get(i)), i % columns * width, i / columns * height, null);
        }
        g.dispose();
        Images.writePng(png, all);
    }

    /**
     * The JDK has no fonts of its own and fails in many ways, some of them errors, where the system has none either.
     */
    private static void requireFonts(Path png) throws IOException {
        Throwable why;
        try {
            if (GraphicsEnvironment.getLocalGraphicsEnvironment().getAllFonts().length > 0) {
                return;
            }
            why = null;
        } catch (InternalError | ExceptionInInitializerError | NoClassDefFoundError | UnsatisfiedLinkError
                | RuntimeException e) {
            why = e;
        }
        throw new IOException(png + ": no fonts on this machine to label a chart with, expected at least one"
                + " (install fontconfig and a font, e.g. the package fonts-dejavu-core)", why);
    }
}
