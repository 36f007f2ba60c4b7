package org.aimjvm.data;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/** How evenly a set of codes uses a codebook. */
public final class CodeCounts {
    private final long[] counts;
    private long total;

    /** @param entries codes there are */
    public CodeCounts(int entries) {
        this.counts = new long[entries];
    }

    /** Counts {@code codes}, each in [0, entries). Not modified. */
    public void add(int[] codes) {
        for (int code : codes) {
            counts[code]++;
        }
        total += codes.length;
    }

    /** Different codes over codes there are. */
    public double usage() {
        return (double) Arrays.stream(counts).filter(c -> c > 0).count() / counts.length;
    }

    /** e to the entropy of the codes' frequencies: as many codes, used equally often, would be as uncertain. */
    public double perplexity() {
        double entropy = 0;
        for (long count : counts) {
            if (count > 0) {
                double p = (double) count / total;
                entropy -= p * Math.log(p);
            }
        }
        return Math.exp(entropy);
    }

    /** {@link #usage} and {@link #perplexity} by these names. */
    public Map<String, Double> measures() {
        Map<String, Double> measures = new LinkedHashMap<>();
        measures.put("usage", usage());
        measures.put("perplexity", perplexity());
        return measures;
    }
}
