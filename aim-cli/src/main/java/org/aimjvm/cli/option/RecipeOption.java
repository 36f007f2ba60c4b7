package org.aimjvm.cli.option;

import org.aimjvm.command.Recorded;
import picocli.CommandLine.Option;

/** The option {@code --recipe} of the commands that train; a mixin. What it does is done before they run. */
public final class RecipeOption {
    /** Name of the option. */
    public static final String NAME = "--recipe";

    @Recorded(Recorded.As.NOTHING)
    @Option(
            names = NAME,
            paramLabel = "FILE",
            description = "Take the options that are not given from a recipe: a file (.yaml), or a model that was made as this is"
                    + " to be.") private String file;
}
