package org.aimjvm.checkpoint;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;
import org.aimjvm.io.AtomicFiles;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.StagedFolder;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.aimjvm.nn.Mismatch;
import org.aimjvm.nn.Params;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;

/** Writes model folders in the published layout. */
final class ModelWriter {
    private final AimConfig config; // null: no sequence model
    private final VqConfig vqConfig; // null: no tokenizer
    private final ModelInfo info;

    ModelWriter(AimConfig config, VqConfig vqConfig, ModelInfo info) {
        if (config == null && vqConfig == null) {
            throw new IllegalArgumentException("model folder: no configuration (expected at least one)");
        }
        this.config = config;
        this.vqConfig = vqConfig;
        this.info = info;
    }

    void write(Path folder, Map<String, Tensor> tensors, DType dtype) {
        Params expected = expected();
        SafeTensorsWriter file = new SafeTensorsWriter();
        tensors.forEach((name, t) -> {
            boolean trained = expected.trainable().containsKey(name);
            file.floats(name, trained ? dtype : DType.F32, t.shape(), t::toFloats); // code numbers need all their bits
        });
        write(folder, file);
    }

    void write(Path folder, SafeTensorsWriter file) {
        Map<String, Shape> got = new LinkedHashMap<>();
        file.tensors().forEach(t -> got.put(t.name(), t.shape()));
        Mismatch mismatch = expected().compare(got);
        if (!mismatch.isEmpty()) {
            throw new IllegalArgumentException("model folder: " + mismatch);
        }
        file.metadata("format", "pt");
        if (config != null && config.tieEmbeddings()) {
            file.metadata(ModelFolder.TIED);
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
            new AimModel(expected.sub("mamba"), config, info.positions());
        }
        if (vqConfig != null) {
            new VqModel(expected.sub("vqvae"), vqConfig);
        }
        return expected;
    }

    private static void text(StagedFolder staged, String name, String text) throws IOException {
        AtomicFiles.write(staged.folder().resolve(name), text.getBytes(StandardCharsets.UTF_8));
    }
}
