package org.aimjvm.cli.command;

import java.nio.file.Files;
import java.nio.file.Path;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.DType;
import org.aimjvm.checkpoint.ModelWriter;
import org.aimjvm.cli.option.InitOptions;
import org.aimjvm.command.Console;
import org.aimjvm.command.OptionChecks;
import org.aimjvm.command.Tokenizer;
import org.aimjvm.data.CodeExtractor;
import org.aimjvm.data.CodeSource;
import org.aimjvm.io.StagedFolder;
import org.aimjvm.vq.VqModel;

/**
 * The tokenizer of a sequence model that training begins from: the result has it too, if it made the codes and no other
 * is named. The run's folder keeps a copy, since a run that goes on needs the model that it began from no more.
 *
 * @param checks complains in the name of the command
 * @param run folder of the run
 * @param named whether {@code --tokenizer} names another
 * @param others whether {@code --other-tokenizer} takes codes of another
 */
record InitTokenizer(OptionChecks checks, Console console, Path run, boolean named, boolean others) {
    private static final String KEPT = "init-tokenizer";

    /**
     * Reads it.
     *
     * @param start what the run begins from, or its own checkpoint; {@code null} for random weights
     * @return {@code null} if it is not to be in the result; a line says why if the model to begin from has one
     * @throws picocli.CommandLine.ParameterException if another tokenizer made the codes, and that was not asked for
     */
    Tokenizer read(InitOptions.Start start, CodeSource codes, Backend backend) {
        if (start == null) {
            return null;
        }
        if (start.goesOn()) {
            boolean kept = !named && Files.isDirectory(folder());
            return kept ? Tokenizer.read(folder().toString(), backend) : null;
        }
        if (!start.folder().hasTokenizer()) {
            return null;
        }
        String made = codes.info().tokenizer();
        VqModel own = made.isEmpty() ? null : start.folder().readTokenizer(backend);
        boolean same = own != null && new CodeExtractor(own).tokenizerFingerprint().equals(made);
        if (own != null && !same && !others) {
            throw checks.usage("--data: codes of another tokenizer than that of --init " + start.name()
                    + ", to which they mean other pictures (run 'aim tokenize' with --model " + start.name()
                    + ", or learn them anew with --other-tokenizer)");
        }
        if (named) {
            return null;
        }
        boolean square = codes.info().gridHeight() == codes.info().gridWidth();
        if (same && square) {
            return new Tokenizer(own, start.folder().info());
        }
        console.err().println("aim: --init " + start.name() + ": its tokenizer is not copied into the result, "
                + (own == null ? "the codes do not say whether it made them"
                        : !same ? "it did not make the codes"
                        : "the codes are " + codes.info().gridHeight() + " x " + codes.info().gridWidth()
                                + " a picture")
                + (own == null || !same ? " (name the one that did with --tokenizer)" : " (expected a square)"));
        return null;
    }

    /**
     * Keeps it for runs that go on; before the first step.
     *
     * @param tokenizer what {@link #read} gave
     */
    void keep(InitOptions.Start start, Tokenizer tokenizer) {
        if (start != null && start.goesOn()) {
            return;
        }
        StagedFolder.delete(folder()); // of a run that never got to a checkpoint
        if (tokenizer != null) {
            VqModel model = tokenizer.model();
            ModelWriter.write(folder(), null, model.config(), tokenizer.info(), model.params().all(), DType.F32);
        }
    }

    private Path folder() {
        return run.resolve(KEPT);
    }
}
