package org.aimjvm.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.aimjvm.checkpoint.ModelFolder;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.StagedFolder;

/**
 * The checkpoints of a run: folders {@code step-00001000} in the run's folder, each complete or absent, the oldest
 * removed when there are more than wanted.
 *
 * <pre>
 * model.safetensors      the parameters, under the published names
 * config.json            the sequence model's configuration, or vq_config.json the tokenizer's
 * aim.json               class names, defaults and recipe, as the finished model has them
 * optimizer.safetensors  exp_avg.NAME, exp_avg_sq.NAME
 * ema.safetensors        averaged parameters, frozen ones as they are, under the same names, if the run keeps them
 * player-NAME.safetensors, optimizer-NAME.safetensors    the same of every player but the first
 * task.safetensors       what else the stage remembers, if anything
 * trainer.json           step, recipe, data: see {@link TrainerState}
 * </pre>
 */
public final class RunFolder {
    public static final String MODEL = ModelFolder.WEIGHTS;
    public static final String OPTIMIZER = "optimizer.safetensors";
    public static final String EMA = ModelFolder.AVERAGED;
    public static final String TASK = "task.safetensors";

    private static final String PATTERN = "step-\\d{8,10}";
    /** What is left of a checkpoint whose writer was killed, see {@link StagedFolder}. */
    private static final String REMAINS = "\\." + PATTERN + "\\.\\p{XDigit}+\\.tmp";

    private final Path run;
    private final int keep;

    /**
     * @param run the run's folder, made when needed
     * @param keep checkpoints to keep, at least 1
     */
    public RunFolder(Path run, int keep) {
        if (keep < 1) {
            throw new IllegalArgumentException("keep: " + keep + " (expected at least 1)");
        }
        this.run = run;
        this.keep = keep;
    }

    /**
     * Writes the checkpoint of {@code step}, replacing one of the same step, then removes the oldest beyond those to
     * keep, and what runs killed amid a save have left. One run at a time may save to a folder, see {@link RunLock}.
     *
     * @param content writes the files into the folder it is given
     * @return the checkpoint's folder
     */
    public Path save(int step, Consumer<Path> content) {
        Path target = run.resolve(String.format(Locale.ROOT, "step-%08d", step));
        try (StagedFolder folder = StagedFolder.replacing(target)) {
            content.accept(folder.folder());
            folder.commit();
        }
        List<Path> all = all(run);
        for (Path old : all.subList(0, Math.max(0, all.size() - keep))) {
            if (!old.getFileName().equals(target.getFileName())) {
                StagedFolder.delete(old);
            }
        }
        folders(run, REMAINS).forEach(StagedFolder::delete);
        return target;
    }

    /** The checkpoint with the highest step in the run's folder, if any. */
    public static Optional<Path> latest(Path run) {
        List<Path> all = all(run);
        return all.isEmpty() ? Optional.empty() : Optional.of(all.getLast());
    }

    /** As {@link #latest(Path)} of the checkpoints after at most {@code most} steps. */
    public static Optional<Path> latest(Path run, int most) {
        return all(run).reversed().stream()
                .filter(p -> Integer.parseInt(p.getFileName().toString().substring("step-".length())) <= most)
                .findFirst();
    }

    /** The weights of a checkpoint to use or ship: the averaged ones if it has them, else those that are trained. */
    public static Path weights(Path checkpoint) {
        Path averaged = checkpoint.resolve(EMA);
        return Files.exists(averaged) ? averaged : checkpoint.resolve(MODEL);
    }

    /**
     * What the run of a checkpoint began from, if that was not random weights.
     *
     * @throws CheckpointException if it is no checkpoint of a run, or damaged
     */
    public static Optional<Origin> origin(Path checkpoint) {
        return TrainerState.read(checkpoint).origin(checkpoint);
    }

    /** All checkpoints in the run's folder, by ascending step. */
    public static List<Path> all(Path run) {
        return folders(run, PATTERN);
    }

    private static List<Path> folders(Path run, String pattern) {
        if (!Files.isDirectory(run)) {
            return List.of();
        }
        try (Stream<Path> folders = Files.list(run)) {
            return folders.filter(p -> p.getFileName().toString().matches(pattern) && Files.isDirectory(p))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new CheckpointException(run, null, "cannot be read: " + e.getMessage(), e);
        }
    }
}
