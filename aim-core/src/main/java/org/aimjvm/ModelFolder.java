package org.aimjvm;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.aimjvm.io.AtomicFiles;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.Checkpoints;
import org.aimjvm.io.SafeTensors;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.TensorSource;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimConfigJson;
import org.aimjvm.model.AimModel;
import org.aimjvm.nn.Params;
import org.aimjvm.tensor.Backend;
import org.aimjvm.tensor.DType;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqConfigJson;
import org.aimjvm.vq.VqModel;

/**
 * A model's files: where they are, what they say, and the checkpoint with its names brought into one form.
 *
 * <pre>
 * model.safetensors   mamba.* (sequence model) and vqvae.* (tokenizer); or model.pt, pytorch_model.bin
 * config.json         the sequence model's configuration
 * vq_config.json      the tokenizer's; without it the tokenizer is VQ-f16
 * aim.json            what this library adds, see {@link ModelInfo}
 * </pre>
 *
 * Accepted as they are: names with or without {@code mamba.}; a tied head under either name or both; a tokenizer bare, or
 * under {@code model} or {@code ema} of a training checkpoint; a tokenizer in a file of its own.
 */
public final class ModelFolder implements AutoCloseable {
    /** File names of weights, in the order they are looked for. */
    private static final List<String> WEIGHTS =
            List.of("model.safetensors", "pytorch_model.bin", "model.pt", "model.bin");

    public static final String CONFIG = "config.json";
    public static final String VQ_CONFIG = "vq_config.json";

    private static final String MAMBA = "mamba.";
    private static final String VQVAE = "vqvae.";
    private static final String WORD = MAMBA + "backbone.embeddings.word_embeddings.weight";
    private static final String HEAD = MAMBA + "lm_head.weight";
    private static final int MAX_RESOURCE = 1 << 28;

    private final Path path;
    private final AimConfig config; // null: no sequence model
    private final VqConfig vqConfig; // null: no tokenizer
    private final ModelInfo info;
    private final TensorSource source;

    private ModelFolder(Path path, String configJson, String vqConfigJson, String infoJson, TensorSource source) {
        this.path = path;
        this.info = infoJson == null ? ModelInfo.PUBLISHED : ModelInfo.parse(infoJson, path.resolve(ModelInfo.FILE));
        boolean hasModel = source.names().stream().anyMatch(n -> n.startsWith(MAMBA));
        boolean hasTokenizer = source.names().stream().anyMatch(n -> n.startsWith(VQVAE));
        if (!hasModel && !hasTokenizer) {
            throw new CheckpointException(
                    source.path(), null,
                    "neither a sequence model nor a tokenizer (expected tensors mamba.* or vqvae.*)");
        }
        if (hasModel && configJson == null) {
            throw new CheckpointException(
                    path.resolve(CONFIG), null,
                    "no such file, expected the configuration beside the sequence model's weights");
        }
        this.config = hasModel ? AimConfigJson.parse(configJson, path.resolve(CONFIG)) : null;
        this.vqConfig = !hasTokenizer
                ? null
                : vqConfigJson == null ? VqConfig.f16() : VqConfigJson.parse(vqConfigJson, path.resolve(VQ_CONFIG));
        this.source = config != null && config.tieEmbeddings() ? withoutTiedHead(source) : source;
    }

    /**
     * Opens a model.
     *
     * @param model a folder, or a file of weights with its configuration beside it
     * @throws CheckpointException if files are missing or damaged
     */
    public static ModelFolder open(Path model) {
        Path weights = weights(model);
        return open(weights, canonical(Checkpoints.open(weights)));
    }

    /** Opens a sequence model and a tokenizer given separately; each as in {@link #open(Path)}. */
    public static ModelFolder open(Path model, Path tokenizer) {
        Path weights = weights(model);
        Path vqWeights = weights(tokenizer);
        TensorSource merged = TensorSource.merge(
                canonical(Checkpoints.open(weights)).select(n -> n.startsWith(MAMBA)),
                canonical(Checkpoints.open(vqWeights)).select(n -> n.startsWith(VQVAE)));
        Path folder = weights.toAbsolutePath().getParent();
        Path vqFolder = vqWeights.toAbsolutePath().getParent();
        return closingOnFailure(
                merged,
                () -> new ModelFolder(
                        folder,
                        text(folder.resolve(CONFIG)),
                        text(vqFolder.resolve(VQ_CONFIG)),
                        text(folder.resolve(ModelInfo.FILE)),
                        merged));
    }

    private static ModelFolder open(Path weights, TensorSource source) {
        Path folder = weights.toAbsolutePath().getParent();
        return closingOnFailure(
                source,
                () -> new ModelFolder(
                        folder,
                        text(folder.resolve(CONFIG)),
                        text(folder.resolve(VQ_CONFIG)),
                        text(folder.resolve(ModelInfo.FILE)),
                        source));
    }

    /**
     * Opens a model that is a resource of a jar on the class path, e.g. {@code fashion}.
     *
     * @throws CheckpointException if there is none of that name
     */
    public static ModelFolder openEmbedded(String name) {
        String base = "/org/aimjvm/models/" + name + "/";
        Path label = Path.of("embedded", name);
        byte[] weights = resource(base + WEIGHTS.getFirst());
        if (!isEmbedded(name) || weights == null) {
            throw new CheckpointException(
                    label, null, "no such embedded model on the class path (is the jar aim-model-" + name + " there?)");
        }
        Path file = label.resolve(WEIGHTS.getFirst());
        return new ModelFolder(
                label,
                resourceText(base + CONFIG),
                resourceText(base + VQ_CONFIG),
                resourceText(base + ModelInfo.FILE),
                canonical(SafeTensors.of(file, MemorySegment.ofArray(weights))));
    }

    /** Whether the class path has an embedded model of that name. */
    public static boolean isEmbedded(String name) {
        return name.matches("[a-z][a-z0-9-]{0,63}")
                && ModelFolder.class.getResource("/org/aimjvm/models/" + name + "/" + CONFIG) != null;
    }

    private static ModelFolder closingOnFailure(TensorSource source, Supplier<ModelFolder> open) {
        boolean opened = false;
        try {
            ModelFolder folder = open.get();
            opened = true;
            return folder;
        } finally {
            if (!opened) {
                source.close();
            }
        }
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
        for (String name : WEIGHTS) {
            if (Files.exists(model.resolve(name))) {
                return model.resolve(name);
            }
        }
        throw new CheckpointException(model, null,
                "no weights in this folder (expected one of " + String.join(", ", WEIGHTS) + ")");
    }

    private static String text(Path file) {
        try {
            return Files.exists(file) ? Files.readString(file) : null;
        } catch (IOException e) {
            throw new CheckpointException(file, null, "cannot be read as text: " + e.getMessage(), e);
        }
    }

    private static byte[] resource(String name) {
        try (InputStream in = ModelFolder.class.getResourceAsStream(name)) {
            return in == null ? null : in.readNBytes(MAX_RESOURCE);
        } catch (IOException e) {
            throw new CheckpointException(Path.of("embedded"), null, name + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static String resourceText(String name) {
        byte[] bytes = resource(name);
        return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8);
    }

    /** The source with names {@code mamba.*} and {@code vqvae.*}, whatever wrapper or short form it uses. */
    private static TensorSource canonical(TensorSource source) {
        Predicate<String> known = n -> n.startsWith(MAMBA) || n.startsWith(VQVAE);
        if (source.names().stream().anyMatch(known)) {
            return source;
        }
        for (String wrapper : List.of("ema.", "model.", "state_dict.")) {
            // a training checkpoint: the weights are under one key, the optimiser under another
            if (source.names().stream().anyMatch(n -> n.startsWith(wrapper))) {
                return canonical(source.sub(wrapper));
            }
        }
        boolean bareModel = source.names().stream().anyMatch(n -> n.startsWith("backbone."));
        boolean bareTokenizer = source.contains("quantize.embedding.weight");
        if (bareModel) {
            return source.withPrefix(MAMBA);
        }
        return bareTokenizer ? source.withPrefix(VQVAE) : source;
    }

    /** With a tied head the word embedding may be stored under its own name, the head's, or both. */
    private static TensorSource withoutTiedHead(TensorSource source) {
        if (!source.contains(HEAD)) {
            return source;
        }
        return source.contains(WORD)
                ? source.select(n -> !n.equals(HEAD))
                : source.renamed(n -> n.equals(HEAD) ? WORD : n);
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

    public ModelInfo info() {
        return info;
    }

    /** The tensors, named {@code mamba.*} and {@code vqvae.*}, a tied head left out. */
    public TensorSource tensors() {
        return source;
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
        Params params =
                Params.from(backend, source.select(n -> n.startsWith(VQVAE)),
                        p -> new VqModel(p.sub("vqvae"), vqConfig));
        return new VqModel(params.sub("vqvae"), vqConfig);
    }

    /**
     * Reads the sequence model.
     *
     * @throws CheckpointException if there is none, or its tensors do not fit the configuration
     */
    public AimModel readModel(Backend backend) {
        if (config == null) {
            throw new CheckpointException(path, null, "no sequence model (expected tensors mamba.*)");
        }
        Params params = Params.from(
                backend,
                source.select(n -> n.startsWith(MAMBA)),
                p -> new AimModel(p.sub("mamba"), config, info.positions()));
        return new AimModel(params.sub("mamba"), config, info.positions());
    }

    @Override
    public void close() {
        source.close();
    }

    /**
     * Writes a model folder in the published layout; the original code loads it unchanged.
     *
     * @param folder made if needed; files in it are replaced
     * @param config the sequence model's, {@code null} to write a tokenizer only
     * @param vqConfig the tokenizer's, {@code null} to write a sequence model only
     * @param info what to keep in aim.json
     * @param tensors the parameters by their full names
     * @param dtype F32, BF16 or F16
     * @throws IOException if it cannot be written
     */
    public static void write(
            Path folder, AimConfig config, VqConfig vqConfig, ModelInfo info, Map<String, Tensor> tensors, DType dtype)
            throws IOException {
        SafeTensorsWriter file = new SafeTensorsWriter();
        tensors.forEach((name, t) -> file.floats(name, dtype, t.shape(), t::toFloats));
        write(folder, config, vqConfig, info, file);
    }

    /**
     * As {@link #write(Path, AimConfig, VqConfig, ModelInfo, Map, DType)} for tensors that are made while they are written.
     *
     * @param file holds the parameters by their full names; Modified: the metadata are added
     */
    public static void write(
            Path folder, AimConfig config, VqConfig vqConfig, ModelInfo info, SafeTensorsWriter file)
            throws IOException {
        Files.createDirectories(folder);
        file.metadata("format", "pt");
        if (config != null && config.tieEmbeddings()) {
            file.metadata(HEAD, WORD);
        }
        file.write(folder.resolve(WEIGHTS.getFirst()));
        if (config != null) {
            writeText(folder.resolve(CONFIG), AimConfigJson.toJson(config));
        }
        if (vqConfig != null) {
            writeText(folder.resolve(VQ_CONFIG), VqConfigJson.toJson(vqConfig));
        }
        writeText(folder.resolve(ModelInfo.FILE), info.toJson());
    }

    private static void writeText(Path file, String text) throws IOException {
        AtomicFiles.write(file, text.getBytes(StandardCharsets.UTF_8));
    }
}
