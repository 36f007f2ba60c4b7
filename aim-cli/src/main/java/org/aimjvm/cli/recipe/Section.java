package org.aimjvm.cli.recipe;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.aimjvm.checkpoint.RecipeStage;

/** The sections of a recipe, in the order in which they run: the command, and the folder that it fills. */
public enum Section {
    /** The pictures; its command depends on their kind. */
    DATA("data", null, Set.of("out", "split"), "data"),
    /** A classifier that stage 1's perceptual loss looks through. */
    FEATURES("features", null, Set.of("data", "val", "out", "resume", "recipe"), "train", "classifier"),
    /** Stage 1. */
    TOKENIZER("vq", RecipeStage.TOKENIZER, Set.of("data", "val", "out", "resume", "recipe"), "train", "vq"),
    /** The pictures as codes. */
    CODES("codes", RecipeStage.CODES, Set.of("model", "data", "val", "out"), "tokenize"),
    /** Stage 2. */
    MODEL("lm", RecipeStage.MODEL, Set.of("data", "val", "tokenizer", "out", "resume", "recipe"), "train", "lm"),
    /** The tokenizer's decoder again. */
    DECODER("decoder", RecipeStage.DECODER,
            Set.of("model", "tokenizer", "data", "val", "out", "resume", "recipe"), "train", "decoder"),
    /** The model as others get it. */
    EXPORT("model", null, Set.of(), "convert"),
    /** A classifier of the pictures. */
    JUDGE("judge", RecipeStage.CLASSIFIER, Set.of("data", "val", "out", "resume", "recipe"), "train", "classifier"),
    /** The judgement. */
    EVALUATE("report", null, Set.of("model", "data", "val", "judge", "json", "neighbours"), "evaluate");

    /** Options of where to compute, which belong to a run and not to a recipe. */
    private static final Set<String> OF_THE_RUN =
            Set.of("device", "backend", "threads", "verbose", "debug", "help");

    private final String folder;
    private final String stage;
    private final Set<String> set;
    private final List<String> command;

    Section(String folder, String stage, Set<String> set, String... command) {
        this.folder = folder;
        this.stage = stage;
        this.set = set;
        this.command = List.of(command);
    }

    /** Its key in a file, and its name on the command line. */
    public String key() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Name of its folder in that of a run. */
    String folder() {
        return folder;
    }

    /** The words of its command, after {@code aim}. */
    List<String> command() {
        return command;
    }

    /** Whether a run sets this option itself, so that no recipe has it. */
    boolean isSetByRun(String option) {
        return set.contains(option) || OF_THE_RUN.contains(option);
    }

    /** What a model's recipe calls it, see {@link RecipeStage#stage}; empty if models do not tell it. */
    public Optional<String> stage() {
        return Optional.ofNullable(stage);
    }

    @Override
    public String toString() {
        return key();
    }

    /** The section of this key. */
    static Optional<Section> of(String key) {
        return Arrays.stream(values()).filter(s -> s.key().equals(key)).findFirst();
    }

    /** The section of a model's recipe that this command makes, e.g. {@code train vq}. */
    static Optional<Section> ofCommand(List<String> words) {
        return Arrays.stream(values()).filter(s -> s.stage != null && s.command.equals(words)).findFirst();
    }

    /** All keys, for messages. */
    static String keys() {
        return String.join(", ", Arrays.stream(values()).map(Section::key).toList());
    }
}
