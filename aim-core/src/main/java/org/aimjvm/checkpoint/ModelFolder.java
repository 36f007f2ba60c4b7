package org.aimjvm.checkpoint;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.TensorSource;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.aimjvm.nn.Mismatch;
import org.aimjvm.nn.Params;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;

/**
 * Reads a model's files: what they say, and the checkpoint with its names brought into one form. {@link ModelWriter}
 * writes them.
 *
 * <pre>
 * model.safetensors   mamba.* (sequence model) and vqvae.* (tokenizer); or pytorch_model.bin, model.pt, model.bin
 * config.json         the sequence model's configuration
 * vq_config.json      the tokenizer's; without it, and without arguments of LlamaGen's trainer, VQ-f16
 * aim.json            what this library adds, see {@link ModelInfo}
 * </pre>
 *
 * Accepted as they are: names with or without {@code mamba.} and {@code vqvae.}; a tied head under either name or both;
 * weights under {@code ema}, {@code model}, {@code state_dict} or any one other key of a training checkpoint, whose
 * other tensors are ignored; names with {@code module.} or {@code _orig_mod.} anywhere; a tokenizer in a file of its
 * own; weights in several files with an index.
 */
public final class ModelFolder implements AutoCloseable {
    /** The file of the sequence model's configuration. */
    public static final String CONFIG = "config.json";
    /** The file of the tokenizer's configuration. */
    public static final String VQ_CONFIG = "vq_config.json";
    /** The file of weights that is written, and looked for first. */
    public static final String WEIGHTS = "model.safetensors";
    /** The averaged weights in a checkpoint of a training run, beside {@link #WEIGHTS}. */
    public static final String AVERAGED = "ema.safetensors";

    private final Path path;
    private final List<TensorSource> opened;
    private final AimConfig config; // null: no sequence model
    private final VqConfig vqConfig; // null: no tokenizer
    private final boolean vqConfigFound;
    private final ModelInfo info;
    private final boolean infoFound;
    private final ModelSource source;
    private final TensorSource stored; // of the sequence model, and those that belong to neither part
    private final TensorSource untied; // the same without a head that is the word embedding
    private final TensorSource tokenizerTensors;
    private Mismatch modelMismatch; // null: not compared yet
    private Mismatch tokenizerMismatch; // null: not compared yet
    private boolean tiedHeadChecked;

    /** @param tokenizer {@code model} itself, if they are not separate */
    private ModelFolder(ModelSource model, ModelSource tokenizer) {
        boolean separate = tokenizer != model;
        this.source = model;
        this.path = model.folder();
        this.opened = separate ? List.of(model.tensors(), tokenizer.tensors()) : List.of(model.tensors());
        this.stored = model.tensors().select(separate
                ? CanonicalNames::isModel
                : n -> !CanonicalNames.isTokenizer(n));
        this.tokenizerTensors = tokenizer.tensors().select(CanonicalNames::isTokenizer);
        boolean hasModel = stored.names().stream().anyMatch(CanonicalNames::isModel);
        if (!hasModel && tokenizerTensors.names().isEmpty()) {
            throw new CheckpointException(
                    model.tensors().path(), null,
                    "neither a sequence model nor a tokenizer (expected tensors mamba.* or vqvae.*; there "
                            + CanonicalNames.described(model.tensors()) + ")");
        }
        this.config = hasModel ? model.config() : null;
        String vqJson = tokenizer.read(VQ_CONFIG);
        VqConfig found = vqJson == null
                ? LlamaGenArgs.tokenizer(tokenizer.file())
                : VqConfigJson.parse(vqJson, tokenizer.file(VQ_CONFIG));
        this.vqConfigFound = found != null;
        this.vqConfig = tokenizerTensors.names().isEmpty() ? null : found == null ? VqConfig.f16() : found;
        String infoJson = model.read(ModelInfo.FILE);
        this.infoFound = infoJson != null;
        Path infoFile = model.file(ModelInfo.FILE);
        ModelInfo own = infoJson == null ? ModelInfo.PUBLISHED : ModelInfo.parse(infoJson, infoFile);
        this.info = config != null && config.numClasses() == ImageNetClasses.COUNT && own.classNames().isEmpty()
                ? own.withClassNames(ImageNetClasses.names())
                : own;
        int names = info.classNames().size();
        if (config != null && names > 0 && names != config.numClasses()) {
            throw new CheckpointException(
                    infoFile, null,
                    "classes: " + names + " names (expected num_classes " + config.numClasses() + ", or none)");
        }
        this.untied = config != null && config.tieEmbeddings() ? CanonicalNames.withoutTiedHead(stored) : stored;
    }

    /**
     * Opens a model by what users type.
     *
     * @param model a folder, a file of weights with its configuration beside it, or the name of an embedded model; what
     *     exists as a file comes first
     * @throws CheckpointException if there is no such model, or files are missing or damaged
     */
    public static ModelFolder open(String model) {
        return open(ModelSource.of(model));
    }

    /**
     * As {@link #open(String)} for one of the copies of its weights, to train it further.
     *
     * @throws CheckpointException if there is no such copy
     */
    public static ModelFolder open(String model, WeightsCopy copy) {
        return open(ModelSource.of(model, copy));
    }

    /**
     * Opens a model.
     *
     * @param model a folder, or a file of weights with its configuration beside it
     * @throws CheckpointException if files are missing or damaged
     */
    public static ModelFolder open(Path model) {
        return open(ModelSource.of(model));
    }

    /**
     * Opens a sequence model and a tokenizer given separately.
     *
     * @param model as in {@link #open(String)}
     * @param tokenizer as in {@link #open(Path)}
     * @throws CheckpointException if files are missing or damaged
     */
    public static ModelFolder open(String model, Path tokenizer) {
        return open(ModelSource.of(model), tokenizer);
    }

    /**
     * As {@link #open(String, Path)} for a path.
     *
     * @throws CheckpointException if files are missing or damaged
     */
    public static ModelFolder open(Path model, Path tokenizer) {
        return open(ModelSource.of(model), tokenizer);
    }

    /**
     * Opens a model that is a resource of a jar on the class path, e.g. {@code fashion}.
     *
     * @throws CheckpointException if there is none of that name, or it is damaged
     */
    public static ModelFolder openEmbedded(String name) {
        return open(ModelSource.embedded(name));
    }

    private static ModelFolder open(ModelSource source) {
        return open(source, source);
    }

    private static ModelFolder open(ModelSource model, Path tokenizer) {
        boolean opened = false;
        try {
            ModelFolder folder = open(model, ModelSource.of(tokenizer));
            opened = true;
            return folder;
        } finally {
            if (!opened) {
                model.tensors().close();
            }
        }
    }

    private static ModelFolder open(ModelSource model, ModelSource tokenizer) {
        boolean opened = false;
        try {
            ModelFolder folder = new ModelFolder(model, tokenizer);
            opened = true;
            return folder;
        } finally {
            if (!opened) {
                tokenizer.tensors().close();
            }
        }
    }

    /** Names of the embedded models on the class path, sorted. */
    public static List<String> embedded() {
        return EmbeddedModels.names();
    }

    /**
     * The file of weights of a model: {@code model} itself, or the one in that folder.
     *
     * @throws CheckpointException if the folder has none
     */
    public static Path weights(Path model) {
        return ModelSource.weights(model);
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

    /** Whether there is an {@code aim.json}. */
    public boolean hasInfo() {
        return infoFound;
    }

    /**
     * SHA-256 of the file of weights; where an index names several, of all of them one after another in the order of
     * their names. Reads all of it.
     *
     * @throws CheckpointException if it cannot be read
     */
    public String sha256() {
        return source.digest().get();
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
     * All tensors of the file of weights, the model's or not, without what wrappers of modules put into their names.
     * Closed with this folder.
     */
    public TensorSource file() {
        return CanonicalNames.plain(source.file());
    }

    /** Those of {@link #tensors} that are the sequence model's. */
    public TensorSource modelTensors() {
        return untied.select(CanonicalNames::isModel);
    }

    /** Those of {@link #tensors} that are the tokenizer's. */
    public TensorSource tokenizerTensors() {
        return tokenizerTensors;
    }

    /**
     * As {@link #check} by names and shapes alone: reads no tensor.
     *
     * @throws CheckpointException naming the tensors that are missing, of another shape, or unexpected
     */
    public void checkShapes() {
        Mismatch model = modelMismatch();
        Mismatch tokenizer = tokenizerMismatch();
        if (!model.isEmpty() || !tokenizer.isEmpty()) {
            boolean guessed = !tokenizer.isEmpty() && !vqConfigFound;
            Mismatch both = model.and(tokenizer);
            throw new CheckpointException(
                    (model.isEmpty() ? tokenizerTensors : untied).path(), null,
                    guessed
                            ? both.describe("there is no " + VQ_CONFIG + ", so the tokenizer is taken for VQ-f16")
                            : both.toString());
        }
    }

    /**
     * Compares all tensors with both configurations before anything else is read, and a tied head with the word
     * embedding.
     *
     * @throws CheckpointException naming the tensors that are missing, of another shape, or unexpected
     */
    public void check() {
        checkShapes();
        checkTiedHead();
    }

    private Mismatch modelMismatch() {
        if (modelMismatch == null) {
            modelMismatch = Params.compare(untied, this::buildModel);
        }
        return modelMismatch;
    }

    private Mismatch tokenizerMismatch() {
        if (tokenizerMismatch == null) {
            tokenizerMismatch = Params.compare(tokenizerTensors, this::buildTokenizer);
        }
        return tokenizerMismatch;
    }

    private void checkTiedHead() {
        if (!tiedHeadChecked && untied != stored && stored.contains(AimModel.OWN_HEAD)
                && stored.contains(AimModel.WORD_EMBEDDING)
                && !Arrays.equals(
                        stored.readFloats(AimModel.OWN_HEAD), stored.readFloats(AimModel.WORD_EMBEDDING))) {
            throw new CheckpointException(
                    stored.path(), AimModel.OWN_HEAD,
                    "differs from " + AimModel.WORD_EMBEDDING + ", expected the same tensor (is tie_embeddings in "
                            + CONFIG + " meant to be false?)");
        }
        tiedHeadChecked = true;
    }

    private AimModel buildModel(Params params) {
        return config == null ? null : new AimModel(params.sub(AimModel.NAME), config, info.positions());
    }

    private VqModel buildTokenizer(Params params) {
        return vqConfig == null ? null : new VqModel(params.sub(VqModel.NAME), vqConfig);
    }

    /**
     * Reads the sequence model, to train it or to look at its tensors.
     *
     * @throws CheckpointException if there is none, or its tensors do not fit the configuration
     */
    public AimModel readModel(Backend backend) {
        requireModel();
        return buildModel(Params.fitting(backend, modelTensors()));
    }

    /**
     * Reads the sequence model to generate with; it cannot be trained. F32 weights of a safetensors file are used where
     * they lie: the file must not be changed in place afterwards (replacing it is safe).
     *
     * @param format how the weight matrices are held; {@code null}: each in the format it is stored in
     * @throws CheckpointException if there is none, or its tensors do not fit the configuration
     */
    public AimModel readFrozenModel(Backend backend, WeightFormat format) {
        requireModel();
        return buildModel(Params.frozen(backend, modelTensors(), format));
    }

    private void requireModel() {
        if (config == null) {
            throw new CheckpointException(path, null, "no sequence model (expected tensors mamba.*)");
        }
        checkTiedHead();
        // Others than the model's own are refused by check() alone.
        Mismatch mismatch = modelMismatch().isEmpty()
                ? modelMismatch
                : Params.compare(modelTensors(), this::buildModel);
        requireEmpty(mismatch, untied);
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
        requireEmpty(tokenizerMismatch(), tokenizerTensors);
        return buildTokenizer(Params.fitting(backend, tokenizerTensors));
    }

    private static void requireEmpty(Mismatch mismatch, TensorSource tensors) {
        if (!mismatch.isEmpty()) {
            throw new CheckpointException(tensors.path(), null, mismatch.toString());
        }
    }

    @Override
    public void close() {
        opened.forEach(TensorSource::close);
    }
}
