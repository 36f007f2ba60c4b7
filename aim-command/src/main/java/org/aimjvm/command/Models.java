package org.aimjvm.command;

import org.aimjvm.checkpoint.ModelFolder;
import org.aimjvm.io.CheckpointException;

/** Models by what users type: a folder, a file of weights, or the name of an embedded one. */
public final class Models {
    private Models() {}

    /**
     * Opens a model.
     *
     * @throws CheckpointException if there is none, or its files are damaged
     */
    public static ModelFolder open(String model) {
        return ModelFolder.open(model);
    }
}
