package org.aimjvm.cli.option;

import org.aimjvm.GenerateOptions;
import picocli.CommandLine.Option;

/** How codes are drawn, where that is other than the model's own way; a mixin. */
public final class DrawOptions {
    @Option(names = "--cfg-scale", paramLabel = "S",
            description = "Guidance (default: the model's).") private Float cfgScale;

    @Option(names = "--temperature", paramLabel = "T",
            description = "Temperature (default: the model's).") private Float temperature;

    @Option(names = "--top-k", paramLabel = "K", description = "Top-k (default: the model's).") private Integer topK;

    @Option(names = "--top-p", paramLabel = "P", description = "Top-p (default: the model's).") private Float topP;

    /**
     * {@code defaults} with what was given.
     *
     * @throws IllegalArgumentException if a value is out of range
     */
    public GenerateOptions of(GenerateOptions defaults) {
        GenerateOptions o = defaults;
        o = cfgScale != null ? o.withGuidance(cfgScale) : o;
        o = temperature != null ? o.withTemperature(temperature) : o;
        o = topK != null ? o.withTopK(topK) : o;
        return topP != null ? o.withTopP(topP) : o;
    }
}
