package org.aimjvm.command;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.aimjvm.train.RunFolder;
import org.aimjvm.train.RunLock;
import org.aimjvm.train.RunOptions;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Where a training run writes, and when; decides no numbers. A mixin. */
@Recorded(Recorded.As.NOTHING)
public final class RunFolderOptions {
    /** The folder in a run's folder that the finished model goes to. */
    public static final String MODEL = "model";

    @Spec(Spec.Target.MIXEE) private CommandSpec command;

    @Option(
            names = {"-o", "--out"},
            required = true,
            paramLabel = "RUN",
            description = "Folder of the run: model/ (the result), step-*/ (checkpoints), metrics.csv, loss.png, samples/.") private Path out;

    @Option(
            names = "--checkpoint-every",
            defaultValue = "500",
            paramLabel = "N",
            description = "Steps between checkpoints, 0 for one at the end (default: ${DEFAULT-VALUE}).") private int checkpointEvery;

    @Option(
            names = "--keep",
            defaultValue = "2",
            paramLabel = "N",
            description = "Newest checkpoints to keep (default: ${DEFAULT-VALUE}).") private int keep;

    @Option(
            names = "--validate-every",
            defaultValue = "500",
            paramLabel = "N",
            description = "Steps between validations, 0 for none (default: ${DEFAULT-VALUE}).") private int validateEvery;

    @Option(
            names = "--validate-pictures",
            defaultValue = "1000",
            paramLabel = "N",
            description = "The most pictures to validate on, always the same; 0 for all (default: ${DEFAULT-VALUE}).") private int validatePictures;

    @Option(
            names = "--sample-every",
            defaultValue = "1000",
            paramLabel = "N",
            description = "Steps between grids of sample pictures, 0 for none (default: ${DEFAULT-VALUE}).") private int sampleEvery;

    @Option(
            names = "--report-every",
            defaultValue = "30",
            paramLabel = "SECONDS",
            description = "Seconds between lines of progress where there is no terminal for a bar, 0 for none "
                    + "(default: ${DEFAULT-VALUE}).") private int reportEvery;

    @Option(
            names = "--resume",
            description = "Continue from the newest checkpoint in --out, or begin if there is none. The other options must "
                    + "be those the run was begun with; losses are then bitwise those of an unbroken run.") private boolean resume;

    public Path folder() {
        return out;
    }

    public int reportEvery() {
        return reportEvery;
    }

    /**
     * What the run writes.
     *
     * @throws ParameterException if a number is out of range, or the folder is a file
     */
    public RunOptions check() {
        new OptionChecks(command)
                .atLeast("--report-every", reportEvery, 0)
                .atLeast("--checkpoint-every", checkpointEvery, 0)
                .atLeast("--keep", keep, 1)
                .atLeast("--validate-every", validateEvery, 0)
                .atLeast("--validate-pictures", validatePictures, 0)
                .atLeast("--sample-every", sampleEvery, 0);
        if (Files.exists(out) && !Files.isDirectory(out)) {
            throw usage("--out: " + out + " is a file, expected a folder");
        }
        return new RunOptions(out, checkpointEvery, keep, validateEvery, validatePictures, sampleEvery);
    }

    /**
     * Takes the folder for this run, until closed.
     *
     * @throws org.aimjvm.io.CheckpointException if another run is writing to it
     * @throws ParameterException if it holds a run that is not to be continued
     */
    public RunLock take() {
        RunLock lock = RunLock.of(out);
        boolean begun = RunFolder.latest(out).isPresent() || Files.exists(out.resolve(MODEL));
        if (begun && !resume) {
            lock.close();
            throw usage("--out: " + out + " holds a run, expected a new folder (or continue it with --resume)");
        }
        return lock;
    }

    /** The checkpoint to continue from, if that was asked for and there is one. */
    public Optional<Path> checkpoint() {
        return resume ? RunFolder.latest(out) : Optional.empty();
    }

    private ParameterException usage(String message) {
        return new ParameterException(command.commandLine(), message);
    }
}
