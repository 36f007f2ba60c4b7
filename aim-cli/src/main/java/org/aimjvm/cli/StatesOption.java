package org.aimjvm.cli;

import org.aimjvm.tensor.StateFormat;
import picocli.CommandLine.Option;

/** The option {@code --states}; a mixin of the commands that generate. */
final class StatesOption {
    @Option(
            names = "--states",
            defaultValue = "f32",
            paramLabel = "FORMAT",
            description = "How the states of Mamba-2 are held from token to token: f32 or bf16; half the bytes are faster and change"
                    + " pictures a little (default: ${DEFAULT-VALUE}).") private StateFormat format;

    StateFormat format() {
        return format;
    }
}
