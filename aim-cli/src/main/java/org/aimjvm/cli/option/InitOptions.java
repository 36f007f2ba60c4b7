package org.aimjvm.cli.option;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.aimjvm.checkpoint.ModelFolder;
import org.aimjvm.checkpoint.Recipe;
import org.aimjvm.checkpoint.RecipeStage;
import org.aimjvm.checkpoint.WeightsCopy;
import org.aimjvm.command.Recorded;
import org.aimjvm.command.RunFolderOptions;
import org.aimjvm.train.Origin;
import org.aimjvm.train.RunFolder;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What a training begins from in place of random weights, and what of it stays as it is; a mixin. */
public final class InitOptions {
    @Spec(Spec.Target.MIXEE) private CommandSpec command;

    @Recorded(Recorded.As.LAST_NAME)
    @Option(
            names = "--init",
            paramLabel = "MODEL",
            description = "Begin from the weights of a model instead of random ones: a folder, a checkpoint of a run, a file "
                    + "of weights (.pt, .safetensors) or the name of an embedded model. The architecture is then the model's.") private String init;

    @Option(
            names = "--init-weights",
            defaultValue = "any",
            paramLabel = "COPY",
            description = "Which weights of a training checkpoint to begin from: ema (averaged), model (as trained), or any: "
                    + "ema if there, else model (default: ${DEFAULT-VALUE}).") private WeightsCopy copy;

    @Option(
            names = "--freeze",
            split = ",",
            paramLabel = "PART",
            description = "Parts that keep their values. Tokenizer: encoder, codebook, decoder, quant_conv, post_quant_conv. "
                    + "Sequence model: words, positions, embeddings, classes, conditioning, blocks, blocks=FROM-TO, head.") private List<
                            String> freeze;

    /**
     * A model to begin from.
     *
     * @param folder its files; those of the run's own checkpoint where a run goes on
     * @param origin what the run says it began from
     * @param name how users call it
     * @param goesOn whether {@code folder} is a checkpoint of this run
     */
    public record Start(ModelFolder folder, Origin origin, String name, boolean goesOn) implements AutoCloseable {
        /** What a recipe says of this. */
        public RecipeStage.BegunFrom facts() {
            return new RecipeStage.BegunFrom(origin.name(), origin.sha256(), origin.taken());
        }

        /**
         * How a model that began so was made: by the stages that made what it began from, and the last one.
         *
         * @param others how parts taken from elsewhere were made
         */
        public Recipe recipe(Recipe others, RecipeStage last) {
            return goesOn ? folder.info().recipe() : others.then(folder.info().recipe()).then(last);
        }

        @Override
        public void close() {
            folder.close();
        }
    }

    /** Whether a model is given to begin from. */
    public boolean given() {
        return init != null;
    }

    /** Which copy of the weights is given. */
    WeightsCopy copy() {
        return copy;
    }

    /** Names of the parts to freeze. */
    public List<String> freeze() {
        return freeze == null ? List.of() : freeze;
    }

    /** Complains about everything that can be wrong without knowing the model. */
    public void check() {
        if (init == null && command.commandLine().getParseResult().hasMatchedOption("--init-weights")) {
            throw usage("--init-weights: given without --init (expected both, or none)");
        }
    }

    /**
     * Opens what to begin from. A run that goes on needs it no more: its own checkpoint has all, and says what it began
     * from.
     *
     * @param checkpoint where the run goes on, if it does
     * @param more what else decides what is taken of the model
     * @return {@code null} for random weights
     * @throws ParameterException if the run that goes on began from something else
     * @throws org.aimjvm.io.CheckpointException if there is no such model, or it is damaged
     */
    public Start open(Optional<Path> checkpoint, String... more) {
        return open(checkpoint, copy, more);
    }

    /** As {@link #open(Optional, String...)} with another copy of the weights than the one given. */
    public Start open(Optional<Path> checkpoint, WeightsCopy wanted, String... more) {
        if (checkpoint.isPresent()) {
            return goOn(checkpoint.get(), wanted, more);
        }
        if (init == null) {
            return null;
        }
        ModelFolder folder = ModelFolder.open(init, wanted);
        boolean done = false;
        try {
            Start start = new Start(folder, new Origin(name(), folder.sha256(), taken(wanted, more)), init, false);
            done = true;
            return start;
        } finally {
            if (!done) {
                folder.close();
            }
        }
    }

    private Start goOn(Path checkpoint, WeightsCopy wanted, String... more) {
        Optional<Origin> recorded = RunFolder.origin(checkpoint);
        if (recorded.isEmpty()) {
            if (init != null) {
                throw usage("--init: " + init + ", but the run in " + checkpoint.getParent()
                        + " began from random weights (continue it without --init)");
            }
            return null;
        }
        Origin origin = recorded.get();
        if (init != null
                && !(name().equals(origin.name()) && taken(wanted, more).equals(origin.taken())
                        && sameWeights(origin, wanted))) {
            throw usage("--init: " + init + " (" + taken(wanted, more) + "), but the run in " + checkpoint.getParent()
                    + " began from " + origin.name() + " (" + origin.taken() + ") with SHA-256 " + origin.sha256()
                    + " (continue it with that, or without --init)");
        }
        return new Start(ModelFolder.open(checkpoint), origin, origin.name(), true);
    }

    /** Whether {@code --init} has the weights the run began from, or is there no more. */
    private boolean sameWeights(Origin origin, WeightsCopy wanted) {
        if (!Files.exists(Path.of(init)) && !ModelFolder.embedded().contains(init)) {
            return true;
        }
        try (ModelFolder folder = ModelFolder.open(init, wanted)) {
            return folder.sha256().equals(origin.sha256());
        }
    }

    private String name() {
        return String.valueOf(Path.of(init).getFileName());
    }

    private static String taken(WeightsCopy wanted, String... more) {
        List<String> words = new ArrayList<>(List.of("weights " + wanted.name().toLowerCase(Locale.ROOT)));
        words.addAll(List.of(more));
        return String.join(", ", words);
    }

    private ParameterException usage(String message) {
        return new ParameterException(command.commandLine(), message);
    }
}
