package org.aimjvm.command;

import org.aimjvm.backend.WeightFormat;
import picocli.CommandLine.Option;

/** The option {@code --weights}; a mixin of the commands that generate. */
public final class WeightsOption {
    @Option(
            names = "--weights",
            paramLabel = "FORMAT",
            description = "How the sequence model's weight matrices are held: f32, bf16, int8 or int4; fewer bits are faster and"
                    + " change pictures a little (default: as they are stored).") private WeightFormat format;

    /** {@code null}: as stored. */
    public WeightFormat format() {
        return format;
    }
}
