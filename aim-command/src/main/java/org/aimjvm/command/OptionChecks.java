package org.aimjvm.command;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Ranges of option values, checked before any work; complaints name the option as the user typed it. */
public record OptionChecks(CommandSpec command) {
    /** @throws ParameterException if {@code value} is given (not null) and less than {@code least} */
    public OptionChecks atLeast(String option, Number value, long least) {
        if (value != null && value.longValue() < least) {
            throw usage(option + ": " + value + " (expected at least " + least + ")");
        }
        return this;
    }

    /** @throws ParameterException unless {@code low <= value < below}; NaN is never */
    public OptionChecks within(String option, double value, double low, double below) {
        if (!(value >= low && value < below)) {
            throw usage(option + ": " + value + " (expected "
                    + (below == Double.POSITIVE_INFINITY ? "a finite number from " + low : low + " to below " + below)
                    + ")");
        }
        return this;
    }

    public ParameterException usage(String message) {
        return new ParameterException(command.commandLine(), message);
    }
}
