package org.aimjvm.train;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.aimjvm.io.AtomicFiles;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.NamedTensors;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.nn.Params;

/** A model's files in a checkpoint, in the published layout. */
final class ModelFiles {
    private ModelFiles() {}

    /**
     * Writes {@value RunFolder#MODEL} in F32.
     *
     * @param metadata of the tensor file
     */
    static void write(Path folder, Params params, Map<String, String> metadata) {
        SafeTensorsWriter file = new SafeTensorsWriter().metadata(metadata);
        params.all().forEach((name, t) -> NamedTensors.add(file, name, t));
        file.write(folder.resolve(RunFolder.MODEL));
    }

    /** Writes a configuration. */
    static void writeText(Path file, String text) {
        try {
            AtomicFiles.write(file, text.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new CheckpointException(file, null, "cannot be written: " + e.getMessage(), e);
        }
    }
}
