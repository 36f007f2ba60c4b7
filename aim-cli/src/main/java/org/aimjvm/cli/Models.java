package org.aimjvm.cli;

import org.aimjvm.checkpoint.ModelFolder;
import org.aimjvm.io.CheckpointException;

/** Models by what users type: a folder, a file of weights, or the name of an embedded one. */
final class Models {
    private Models() {}

    /**
     * Opens a model.
     *
     * @throws CheckpointException if there is none, or its files are damaged
     */
    static ModelFolder open(String model) {
        return ModelFolder.open(model);
    }
}
