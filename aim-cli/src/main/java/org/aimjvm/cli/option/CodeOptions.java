package org.aimjvm.cli.option;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.aimjvm.checkpoint.Recipe;
import org.aimjvm.command.OptionChecks;
import org.aimjvm.data.CodeFolder;
import org.aimjvm.data.CodeSource;
import org.aimjvm.data.TokenDataset;
import org.aimjvm.io.CheckpointException;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Where codes come from, besides the folder itself; a mixin. */
public final class CodeOptions {
    /** File in a folder of our own codes that says how they were made. */
    public static final String RECIPE = "recipe.json";

    @Spec(Spec.Target.MIXEE) private CommandSpec command;

    @Option(
            names = "--vocab",
            paramLabel = "N",
            description = "Size of the vocabulary of NumPy codes, whose files do not say it (default: "
                    + CodeFolder.DEFAULT_VOCAB + ", as LlamaGen's tokenizer).") private Integer vocab;

    /** Complains about values that can be wrong without knowing the data. */
    public void check() {
        new OptionChecks(command).atLeast("--vocab", vocab, 1);
    }

    /**
     * Opens a set of codes of our own, or a folder of NumPy files.
     *
     * @throws IllegalArgumentException if it is neither, or our own has another vocabulary than the one given
     */
    public CodeSource open(Path folder) {
        if (CodeFolder.isOne(folder)) {
            return CodeFolder.open(folder, vocab == null ? CodeFolder.DEFAULT_VOCAB : vocab);
        }
        TokenDataset own = openOwn(folder);
        if (vocab != null && vocab != own.info().vocab()) {
            own.close();
            throw new IllegalArgumentException(
                    "--vocab: " + vocab + " (expected " + own.info().vocab() + ", as " + folder
                            + " says; leave it out)");
        }
        return own;
    }

    /**
     * How our own codes were made, if their folder says so.
     *
     * @throws CheckpointException if it says so in a damaged file, or in one of another version
     */
    public Recipe recipe(Path folder) {
        Path file = folder.resolve(RECIPE);
        if (!Files.exists(file)) {
            return Recipe.NONE;
        }
        try {
            return Recipe.parse(Files.readString(file), file);
        } catch (IOException e) {
            throw new CheckpointException(file, null, "cannot be read: " + e.getMessage(), e);
        }
    }

    private static TokenDataset openOwn(Path folder) {
        try {
            return TokenDataset.open(folder);
        } catch (CheckpointException e) {
            throw new IllegalArgumentException(e.getMessage() + " ('aim tokenize' makes sets of codes)", e);
        }
    }
}
