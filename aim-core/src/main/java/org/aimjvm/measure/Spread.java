package org.aimjvm.measure;

import java.util.Arrays;

/**
 * Median and spread of repeated measurements; all NaN where there are none.
 *
 * @param count measurements
 * @param least the least
 * @param low 10th percentile
 * @param median 50th percentile
 * @param high 90th percentile
 * @param greatest the greatest
 */
public record Spread(int count, double least, double low, double median, double high, double greatest) {

    /** Of the given measurements. Not modified. */
    public static Spread of(double... values) {
        double[] v = values.clone();
        Arrays.sort(v);
        int n = v.length;
        return n == 0
                ? new Spread(0, Double.NaN, Double.NaN, Double.NaN, Double.NaN, Double.NaN)
                : new Spread(n, v[0], percentile(v, 0.1), percentile(v, 0.5), percentile(v, 0.9), v[n - 1]);
    }

    /** Linear between the two nearest of the sorted values. */
    private static double percentile(double[] sorted, double p) {
        double at = p * (sorted.length - 1);
        int i = (int) at;
        return i + 1 < sorted.length ? sorted[i] + (at - i) * (sorted[i + 1] - sorted[i]) : sorted[i];
    }
}
