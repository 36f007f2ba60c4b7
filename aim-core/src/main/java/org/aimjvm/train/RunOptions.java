package org.aimjvm.train;

import java.nio.file.Path;

/**
 * Options of a run, what it writes and when; decides no numbers, so a resumed run may differ in it. Each interval is in
 * steps, 0 for never; all but a switched-off one also happen at the end.
 *
 * @param folder where checkpoints go; {@code null} for none
 * @param checkpointEvery steps between checkpoints; one is also written when the run is stopped
 * @param keepCheckpoints newest checkpoints to keep, at least 1
 * @param validateEvery steps between validations
 * @param validatePictures the most pictures to validate on, always the same ones; 0 for all there are
 * @param sampleEvery steps between samples
 */
public record RunOptions(Path folder, int checkpointEvery, int keepCheckpoints, int validateEvery, int validatePictures,
        int sampleEvery) {
    /** Writes nothing, validates never. */
    public static final RunOptions NONE = new RunOptions(null, 0, 1, 0, 0, 0);

    public RunOptions {
        require("checkpointEvery", checkpointEvery, 0);
        require("keepCheckpoints", keepCheckpoints, 1);
        require("validateEvery", validateEvery, 0);
        require("validatePictures", validatePictures, 0);
        require("sampleEvery", sampleEvery, 0);
    }

    private static void require(String name, int value, int least) {
        if (value < least) {
            throw new IllegalArgumentException(name + ": " + value + " (expected at least " + least + ")");
        }
    }
}
