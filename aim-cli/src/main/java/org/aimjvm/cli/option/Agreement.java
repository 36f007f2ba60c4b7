package org.aimjvm.cli.option;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Options of an architecture beside a checkpoint that has one already: they must say the same. */
final class Agreement {
    private final CommandSpec command;
    private final String model;
    private final List<String> differences = new ArrayList<>();

    /** @param model how users call the checkpoint */
    Agreement(CommandSpec command, String model) {
        this.command = command;
        this.model = model;
    }

    /** Compares what an option asks for, {@code null} if it is not given, with what the checkpoint has. */
    Agreement on(String option, Object asked, Object there) {
        if (asked != null && !Objects.equals(asked, there)) {
            differences.add(option + ": " + asked + ", but --init " + model + " has " + there);
        }
        return this;
    }

    /** @throws ParameterException naming all options that do not agree */
    void require() {
        if (!differences.isEmpty()) {
            throw new ParameterException(
                    command.commandLine(), String.join("; ", differences)
                            + " (expected none of them: the architecture is the checkpoint's)");
        }
    }
}
