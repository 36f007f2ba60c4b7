package org.aimjvm.checkpoint;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.aimjvm.backend.DType;
import org.aimjvm.io.AtomicFiles;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.QuantizedTensors;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.StagedFolder;
import org.aimjvm.io.TensorSource;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.aimjvm.nn.Mismatch;
import org.aimjvm.nn.Params;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;

/**
 * Writes model folders in the published layout, see {@link ModelFolder}; the original code loads them unchanged.
 *
 * <p>A new folder appears at once with all its files; in an existing one the files are moved in one after another when
 * all are written, see {@link StagedFolder#into}, and others stay.
 */
public final class ModelWriter {
    /** Metadata of a file of weights with a tied head: which tensor stands for it. */
    public static final Map<String, String> TIED = Map.of(AimModel.OWN_HEAD, AimModel.WORD_EMBEDDING);

    private final AimConfig config; // null: no sequence model
    private final VqConfig vqConfig; // null: no tokenizer
    private final ModelInfo info;

    private ModelWriter(AimConfig config, VqConfig vqConfig, ModelInfo info) {
        if (config == null && vqConfig == null) {
            throw new IllegalArgumentException("model folder: no configuration (expected at least one)");
        }
        this.config = config;
        this.vqConfig = vqConfig;
        this.info = info;
    }

    /**
     * Writes a model folder.
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
     * As {@link #write(Path, AimConfig, VqConfig, ModelInfo, Map, DType)} for tensors that are made while they are
     * written.
     *
     * @param file holds the parameters by their full names, exactly those of the two configurations. Modified: metadata
     *     are added
     * @throws IllegalArgumentException if the tensors are not those of the configurations, before anything is written
     * @throws CheckpointException if it cannot be written
     */
    public static void write(
            Path folder, AimConfig config, VqConfig vqConfig, ModelInfo info, SafeTensorsWriter file) {
        new ModelWriter(config, vqConfig, info).write(folder, file);
    }

    /**
     * Writes a model that differs from another one in some tensors; the others are copied as they are stored, weight
     * matrices kept as integers too.
     *
     * @param folder a new or an existing one
     * @param from the other model, with a tokenizer and maybe a sequence model
     * @param info what to keep in aim.json
     * @param changed the tensors that are others, by their full names; written as F32. Not modified
     * @throws IllegalArgumentException if one is none of the model's, before anything is written
     * @throws CheckpointException if it cannot be written, or {@code from} cannot be read
     */
    public static void write(Path folder, ModelFolder from, ModelInfo info, Map<String, Tensor> changed) {
        TensorSource source = from.tensors();
        SafeTensorsWriter file = new SafeTensorsWriter();
        source.names().stream().filter(name -> !changed.containsKey(name))
                .forEach(name -> QuantizedTensors.addStored(file, source, name));
        changed.forEach((name, t) -> file.floats(name, DType.F32, t.shape(), t::toFloats));
        String quantized = source.metadata().get(QuantizedTensors.METADATA);
        if (quantized != null) {
            file.metadata(QuantizedTensors.METADATA, quantized);
        }
        new ModelWriter(from.config(), from.vqConfig(), info).write(folder, file);
    }

    private void write(Path folder, Map<String, Tensor> tensors, DType dtype) {
        Params expected = expected();
        SafeTensorsWriter file = new SafeTensorsWriter();
        tensors.forEach((name, t) -> {
            boolean trained = expected.weights().containsKey(name);
            file.floats(name, trained ? dtype : DType.F32, t.shape(), t::toFloats); // code numbers need all their bits
        });
        write(folder, file);
    }

    private void write(Path folder, SafeTensorsWriter file) {
        Mismatch mismatch = expected().compare(QuantizedTensors.shapes(file));
        if (!mismatch.isEmpty()) {
            throw new IllegalArgumentException("model folder: " + mismatch);
        }
        file.metadata("format", "pt");
        if (config != null && config.tieEmbeddings()) {
            file.metadata(TIED);
        }
        try (StagedFolder staged = StagedFolder.into(folder)) {
            file.write(staged.folder().resolve(ModelFolder.WEIGHTS));
            if (config != null) {
                text(staged, ModelFolder.CONFIG, AimConfigJson.toJson(config));
            }
            if (vqConfig != null) {
                text(staged, ModelFolder.VQ_CONFIG, VqConfigJson.toJson(vqConfig));
            }
            text(staged, ModelInfo.FILE, info.toJson());
            staged.commit();
        } catch (IOException e) {
            throw new CheckpointException(folder, null, "cannot be written: " + e.getMessage(), e);
        }
    }

    /** Names and shapes of the two configurations. */
    private Params expected() {
        Params expected = Params.shapesOnly();
        if (config != null) {
            new AimModel(expected.sub(AimModel.NAME), config, info.positions());
        }
        if (vqConfig != null) {
            new VqModel(expected.sub(VqModel.NAME), vqConfig);
        }
        return expected;
    }

    private static void text(StagedFolder staged, String name, String text) throws IOException {
        AtomicFiles.write(staged.folder().resolve(name), text.getBytes(StandardCharsets.UTF_8));
    }
}
