package org.aimjvm.checkpoint;

import static org.aimjvm.checkpoint.CanonicalNames.HEAD;
import static org.aimjvm.checkpoint.CanonicalNames.WORD;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.Checkpoints;
import org.aimjvm.io.QuantizedTensors;
import org.aimjvm.io.SafeTensors;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.TensorSource;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.aimjvm.nn.Mismatch;
import org.aimjvm.nn.Params;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;

/**
 * A model's files: where they are, what they say, and the checkpoint with its names brought into one form.
 *
 * <pre>
 * model.safetensors   mamba.* (sequence model) and vqvae.* (tokenizer); or pytorch_model.bin, model.pt, model.bin
 * config.json         the sequence model's configuration
 * vq_config.json      the tokenizer's; without it the tokenizer is VQ-f16
 * aim.json            what this library adds, see {@link ModelInfo}
 * </pre>
 *
 * Accepted as they are: names with or without {@code mamba.} and {@code vqvae.}; a tied head under either name or both;
 * weights under {@code ema}, {@code model}, {@code state_dict} or any one other key of a training checkpoint, whose other
 * tensors are ignored; names with {@code module.} or {@code _orig_mod.} anywhere; a tokenizer in a file of its own; weights in
 * several files with an index.
 */
public final class ModelFolder implements AutoCloseable {
    public static final String CONFIG = "config.json";
    public static final String VQ_CONFIG = "vq_config.json";
    /** The file of weights that is written, and looked for first. */
    public static final String WEIGHTS = "model.safetensors";

    /** Metadata of a file of weights with a tied head: which tensor stands for it. */
    public static final Map<String, String> TIED = Map.of(HEAD, WORD);

    private static final List<String> LOOKED_FOR = List.of(
            WEIGHTS, "pytorch_model.bin", "model.pt", "model.bin", WEIGHTS + ".index.json",
            "pytorch_model.bin.index.json");
    private static final long MAX_TEXT = 1 << 24;

    /** An open file of weights; {@code text} gives the content of a file beside it, or {@code null} if there is none. */
    private record Source(Path folder, TensorSource tensors, UnaryOperator<String> text) {}

    private final Path path;
    private final List<TensorSource> opened;
    private final AimConfig config; // null: no sequence model
    private final VqConfig vqConfig; // null: no tokenizer
    private final boolean vqConfigFound;
    private final ModelInfo info;
    private final TensorSource modelTensors; // and those that belong to neither part
    private final TensorSource untied; // the same without a head that is the word embedding
    private final TensorSource tokenizerTensors;

    /** @param tokenizer {@code model} itself, if they are not separate */
    private ModelFolder(Source model, Source tokenizer) {
        boolean separate = tokenizer != model;
        this.path = model.folder;
        this.opened = separate ? List.of(model.tensors, tokenizer.tensors) : List.of(model.tensors);
        this.modelTensors = model.tensors.select(separate
                ? CanonicalNames::isModel
                : n -> !CanonicalNames.isTokenizer(n));
        this.tokenizerTensors = tokenizer.tensors.select(CanonicalNames::isTokenizer);
        boolean hasModel = modelTensors.names().stream().anyMatch(CanonicalNames::isModel);
        if (!hasModel && tokenizerTensors.names().isEmpty()) {
            throw new CheckpointException(
                    model.tensors.path(), null,
                    "neither a sequence model nor a tokenizer (expected tensors mamba.* or vqvae.*; there "
                            + CanonicalNames.described(model.tensors) + ")");
        }
        this.config = hasModel ? readConfig(model) : null;
        String vqJson = tokenizer.text.apply(VQ_CONFIG);
        this.vqConfigFound = vqJson != null;
        this.vqConfig = tokenizerTensors.names().isEmpty()
                ? null
                : vqJson == null ? VqConfig.f16() : VqConfigJson.parse(vqJson, tokenizer.folder.resolve(VQ_CONFIG));
        String infoJson = model.text.apply(ModelInfo.FILE);
        Path infoFile = path.resolve(ModelInfo.FILE);
        this.info = infoJson == null ? ModelInfo.PUBLISHED : ModelInfo.parse(infoJson, infoFile);
        int names = info.classNames().size();
        if (config != null && names > 0 && names != config.numClasses()) {
            throw new CheckpointException(
                    infoFile, null,
                    "classes: " + names + " names (expected num_classes " + config.numClasses() + ", or none)");
        }
        this.untied = config != null && config.tieEmbeddings() ? withoutTiedHead(modelTensors) : modelTensors;
    }

    private static AimConfig readConfig(Source model) {
        Path file = model.folder.resolve(CONFIG);
        String json = model.text.apply(CONFIG);
        if (json == null) {
            throw new CheckpointException(
                    file, null, "no such file, expected the configuration beside the sequence model's weights");
        }
        return AimConfigJson.parse(json, file);
    }

    /** With a tied head the word embedding may be stored under its own name, the head's, or both. */
    private static TensorSource withoutTiedHead(TensorSource tensors) {
        return tensors.contains(WORD)
                ? tensors.select(n -> !n.equals(HEAD))
                : tensors.renamed(n -> n.equals(HEAD) ? WORD : n);
    }

    /**
     * Opens a model by what users type.
     *
     * @param model a folder, a file of weights with its configuration beside it, or the name of an embedded model; what exists
     *     as a file comes first
     * @throws CheckpointException if there is no such model, or files are missing or damaged
     */
    public static ModelFolder open(String model) {
        Path path;
        try {
            path = Path.of(model);
        } catch (InvalidPathException e) {
            throw new CheckpointException(Path.of(""), null, "model: not a path: " + e.getMessage(), e);
        }
        if (Files.exists(path)) {
            return open(path);
        }
        if (isEmbedded(model)) {
            return openEmbedded(model);
        }
        throw new CheckpointException(
                path, null, "no such file or folder (looked for " + path.toAbsolutePath()
                        + "), and no embedded model of that name (expected a path, or " + embeddedOnes() + ")");
    }

    /**
     * Opens a model.
     *
     * @param model a folder, or a file of weights with its configuration beside it
     * @throws CheckpointException if files are missing or damaged
     */
    public static ModelFolder open(Path model) {
        Source source = source(model);
        return open(source, source);
    }

    /**
     * Opens a sequence model and a tokenizer given separately, each as in {@link #open(Path)}.
     *
     * @throws CheckpointException if files are missing or damaged
     */
    public static ModelFolder open(Path model, Path tokenizer) {
        Source source = source(model);
        boolean opened = false;
        try {
            ModelFolder folder = open(source, source(tokenizer));
            opened = true;
            return folder;
        } finally {
            if (!opened) {
                source.tensors.close();
            }
        }
    }

    /**
     * Opens a model that is a resource of a jar on the class path, e.g. {@code fashion}.
     *
     * @throws CheckpointException if there is none of that name, or it is damaged
     */
    public static ModelFolder openEmbedded(String name) {
        Path label = EmbeddedModels.path(name);
        byte[] weights = EmbeddedModels.contains(name) ? EmbeddedModels.file(name, WEIGHTS) : null;
        if (weights == null) {
            throw new CheckpointException(
                    label, null, "no such embedded model on the class path (expected " + embeddedOnes() + ")");
        }
        Source source = new Source(
                label,
                CanonicalNames.of(QuantizedTensors.of(
                        SafeTensors.of(label.resolve(WEIGHTS), MemorySegment.ofArray(weights)))),
                file -> {
                    byte[] text = EmbeddedModels.file(name, file);
                    return text == null ? null : new String(text, StandardCharsets.UTF_8);
                });
        return open(source, source);
    }

    /** Whether the class path has an embedded model of that name. */
    public static boolean isEmbedded(String name) {
        return EmbeddedModels.contains(name);
    }

    /** Names of the embedded models on the class path, sorted. */
    public static List<String> embedded() {
        return EmbeddedModels.names();
    }

    private static String embeddedOnes() {
        List<String> names = embedded();
        return names.isEmpty() ? "a jar with one, such as aim-model-fashion" : "one of " + String.join(", ", names);
    }

    private static ModelFolder open(Source model, Source tokenizer) {
        boolean opened = false;
        try {
            ModelFolder folder = new ModelFolder(model, tokenizer);
            opened = true;
            return folder;
        } finally {
            if (!opened) {
                tokenizer.tensors.close();
            }
        }
    }

    private static Source source(Path model) {
        Path weights = weights(model);
        Path folder = weights.toAbsolutePath().getParent();
        return new Source(folder, CanonicalNames.of(Checkpoints.open(weights)), name -> text(folder.resolve(name)));
    }

    /**
     * The file of weights of a model: {@code model} itself, or the one in that folder.
     *
     * @throws CheckpointException if the folder has none
     */
    public static Path weights(Path model) {
        if (!Files.isDirectory(model)) {
            return model;
        }
        for (String name : LOOKED_FOR) {
            if (Files.exists(model.resolve(name))) {
                return model.resolve(name);
            }
        }
        throw new CheckpointException(model, null,
                "no weights in this folder (expected one of " + String.join(", ", LOOKED_FOR) + ")");
    }

    private static String text(Path file) {
        try {
            if (!Files.exists(file)) {
                return null;
            }
            if (Files.size(file) > MAX_TEXT) {
                throw new CheckpointException(file, null,
                        Files.size(file) + " bytes, expected a text of at most " + MAX_TEXT);
            }
            return Files.readString(file);
        } catch (IOException e) {
            throw new CheckpointException(file, null, "cannot be read as text: " + e.getMessage(), e);
        }
    }

    /** The folder, for messages. */
    public Path path() {
        return path;
    }

    /** Whether there is a sequence model. */
    public boolean hasModel() {
        return config != null;
    }

    /** Whether there is a tokenizer. */
    public boolean hasTokenizer() {
        return vqConfig != null;
    }

    /** Configuration of the sequence model, {@code null} if there is none. */
    public AimConfig config() {
        return config;
    }

    /** Configuration of the tokenizer, {@code null} if there is none. */
    public VqConfig vqConfig() {
        return vqConfig;
    }

    /** What {@code aim.json} says, or what holds without it. */
    public ModelInfo info() {
        return info;
    }

    /** Names of the weight matrices that can be held and written in any {@link WeightFormat}. */
    public Set<String> matrices() {
        Params listing = Params.shapesOnly();
        buildModel(listing);
        return listing.matrices();
    }

    /** The tensors, named {@code mamba.*} and {@code vqvae.*}, a tied head left out. Closed with this folder. */
    public TensorSource tensors() {
        return TensorSource.merge(untied, tokenizerTensors);
    }

    /**
     * Compares all tensors with both configurations before anything is read.
     *
     * @throws CheckpointException naming the tensors that are missing, of another shape, or unexpected
     */
    public void check() {
        Mismatch model = Params.compare(untied, this::buildModel);
        Mismatch tokenizer = Params.compare(tokenizerTensors, this::buildTokenizer);
        if (!model.isEmpty() || !tokenizer.isEmpty()) {
            boolean guessed = !tokenizer.isEmpty() && !vqConfigFound;
            Mismatch both = model.and(tokenizer);
            throw new CheckpointException(
                    (model.isEmpty() ? tokenizerTensors : untied).path(), null,
                    guessed
                            ? both.describe("there is no " + VQ_CONFIG + ", so the tokenizer is taken for VQ-f16")
                            : both.toString());
        }
        if (untied != modelTensors) {
            checkTiedHead();
        }
    }

    private void checkTiedHead() {
        if (modelTensors.contains(HEAD) && modelTensors.contains(WORD)
                && !Arrays.equals(modelTensors.readFloats(HEAD), modelTensors.readFloats(WORD))) {
            throw new CheckpointException(
                    modelTensors.path(), HEAD,
                    "differs from " + WORD + ", expected the same tensor (is tie_embeddings in " + CONFIG
                            + " meant to be false?)");
        }
    }

    private AimModel buildModel(Params params) {
        return config == null ? null : new AimModel(params.sub("mamba"), config, info.positions());
    }

    private VqModel buildTokenizer(Params params) {
        return vqConfig == null ? null : new VqModel(params.sub("vqvae"), vqConfig);
    }

    /**
     * Reads the sequence model, to train it or to look at its tensors.
     *
     * @throws CheckpointException if there is none, or its tensors do not fit the configuration
     */
    public AimModel readModel(Backend backend) {
        return buildModel(Params.from(backend, modelSource(), this::buildModel));
    }

    private TensorSource modelSource() {
        if (config == null) {
            throw new CheckpointException(path, null, "no sequence model (expected tensors mamba.*)");
        }
        checkTiedHead();
        return untied.select(CanonicalNames::isModel);
    }

    /**
     * Reads the sequence model to generate with; it cannot be trained. F32 weights of a safetensors file are used where they
     * lie: the file must not be changed in place afterwards (replacing it is safe).
     *
     * @param format how the weight matrices are held; {@code null}: each in the format it is stored in
     * @throws CheckpointException if there is none, or its tensors do not fit the configuration
     */
    public AimModel readFrozenModel(Backend backend, WeightFormat format) {
        return buildModel(Params.frozen(backend, modelSource(), this::buildModel, format));
    }

    /**
     * Reads the tokenizer.
     *
     * @throws CheckpointException if there is none, or its tensors do not fit the configuration
     */
    public VqModel readTokenizer(Backend backend) {
        if (vqConfig == null) {
            throw new CheckpointException(
                    path, null, "no tokenizer (expected tensors vqvae.*, or a tokenizer given separately)");
        }
        return buildTokenizer(Params.from(backend, tokenizerTensors, this::buildTokenizer));
    }

    @Override
    public void close() {
        opened.forEach(TensorSource::close);
    }

    /**
     * Writes a model folder in the published layout; the original code loads it unchanged. A new folder appears at once with
     * all its files; in an existing one the files are moved in one after another when all are written, see
     * {@link org.aimjvm.io.StagedFolder}, and others stay.
     *
     * @param config the sequence model's, {@code null} to write a tokenizer only
     * @param vqConfig the tokenizer's, {@code null} to write a sequence model only
     * @param info what to keep in aim.json
     * @param tensors the parameters by their full names, exactly those of the two configurations. Not modified
     * @param dtype F32, BF16 or F16; statistics such as {@code codebook_used} stay F32
     * @throws IllegalArgumentException if the tensors are not those of the configurations, before anything is written
     * @throws CheckpointException if it cannot be written
     */
    public static void write(
            Path folder, AimConfig config, VqConfig vqConfig, ModelInfo info, Map<String, Tensor> tensors,
            DType dtype) {
        new ModelWriter(config, vqConfig, info).write(folder, tensors, dtype);
    }

    /**
     * As {@link #write(Path, AimConfig, VqConfig, ModelInfo, Map, DType)} for tensors that are made while they are written.
     *
     * @param file holds the parameters by their full names, exactly those of the two configurations. Modified: metadata are
     *     added
     * @throws IllegalArgumentException if the tensors are not those of the configurations, before anything is written
     * @throws CheckpointException if it cannot be written
     */
    public static void write(
            Path folder, AimConfig config, VqConfig vqConfig, ModelInfo info, SafeTensorsWriter file) {
        new ModelWriter(config, vqConfig, info).write(folder, file);
    }
}
