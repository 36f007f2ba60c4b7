package org.aimjvm.command;

import org.aimjvm.backend.StateFormat;
import picocli.CommandLine.Option;

/** The option {@code --states}; a mixin of the commands that generate. */
public final class StatesOption {
    @Option(
            names = "--states",
            defaultValue = "f32",
            paramLabel = "FORMAT",
            description = "How the states of Mamba-2 are held from token to token: f32 or bf16; half the memory, faster where memory is what is"
                    + " short, and pictures change a little (default: ${DEFAULT-VALUE}).") private StateFormat format;

    public StateFormat format() {
        return format;
    }
}
