package org.aimjvm.cli.recipe;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.aimjvm.cli.recipe.RunPlan.Stage;
import org.aimjvm.command.Console;
import org.aimjvm.command.ExitCode;
import org.aimjvm.command.StopSignal;

/**
 * Runs the stages of a plan one after the other. What has finished is left as it is, what was cut short goes on: training
 * from its newest checkpoint, the rest anew.
 */
public final class RecipeRun {
    private final RunPlan plan;
    private final Commands commands;
    private final Console console;
    private final RunState state;

    /** @throws org.aimjvm.io.CheckpointException if the folder's record of an earlier call is damaged */
    public RecipeRun(RunPlan plan, Commands commands, Console console) throws IOException {
        this.plan = plan;
        this.commands = commands;
        this.console = console;
        this.state = RunState.read(plan.out());
    }

    /**
     * Runs.
     *
     * @param only the section to run alone, whose predecessors must have finished; {@code null} for all
     * @return exit code
     * @throws IllegalArgumentException before any work, if a stage was begun by another recipe or {@code only} cannot run
     */
    public int run(Section only) throws IOException {
        List<Stage> wanted = wanted(only);
        for (Stage stage : wanted) {
            requireSame(stage);
        }
        try (StopSignal stop = new StopSignal()) {
            for (Stage stage : wanted) {
                int exit = isDone(stage) ? skip(stage) : run(stage, stop);
                if (exit != ExitCode.OK) {
                    return exit;
                }
            }
        }
        if (only == null) {
            console.out().println(plan.model());
        }
        return ExitCode.OK;
    }

    private List<Stage> wanted(Section only) {
        if (only == null) {
            return plan.stages();
        }
        Stage wanted = plan.stages().stream().filter(s -> s.section() == only).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("--only: " + only.key() + " (expected one of "
                        + String.join(", ", plan.stages().stream().map(s -> s.section().key()).toList()) + ")"));
        for (Stage stage : plan.stages()) {
            if (wanted.needs().contains(stage.section())) {
                if (!isDone(stage)) {
                    throw new IllegalArgumentException("--only: " + only.key() + ", but " + stage.section().key()
                            + " has not finished (run that before, or leave --only out)");
                }
                requireSame(stage);
            }
        }
        return List.of(wanted);
    }

    private boolean isDone(Stage stage) {
        return state.hasFinished(stage.section()) && stage.outputs().stream().allMatch(Files::exists);
    }

    /** Whether anything of a stage is there that this run made. */
    private boolean isThere(Stage stage) {
        return state.hasBegun(stage.section()) && Files.exists(folder(stage));
    }

    private Path folder(Stage stage) {
        return plan.out().resolve(stage.section().folder());
    }

    private void requireSame(Stage stage) {
        if (isThere(stage)) {
            state.difference(stage).ifPresent(difference -> {
                throw new IllegalArgumentException(folder(stage) + ": stage " + stage.section().key()
                        + " was made with " + difference + " as " + plan.recipe().path()
                        + " has it now (name another --out, or delete that folder to make it anew)");
            });
        }
    }

    private int skip(Stage stage) {
        console.err().println("aim: " + stage.section().key() + ": done before, "
                + stage.outputs().getLast());
        return ExitCode.OK;
    }

    private int run(Stage stage, StopSignal stop) throws IOException {
        Section section = stage.section();
        boolean goesOn = isThere(stage);
        if (goesOn && (section == Section.CODES || section == Section.EXPORT)) {
            delete(folder(stage)); // cut short, of no use, and the command wants a new one
        }
        state.begin(stage);
        long start = System.nanoTime();
        for (int i = 0; i < stage.calls().size(); i++) {
            List<String> words = new ArrayList<>(stage.calls().get(i));
            if (section == Section.DATA && goesOn && stage.calls().size() > 1
                    && Files.exists(stage.outputs().get(i))) {
                continue; // drawings appear whole
            }
            if (goesOn && words.getFirst().equals("train")) {
                words.add(RunPlan.RESUME);
            }
            int exit = commands.run(quiet(section), words);
            if (exit != ExitCode.OK || stop.isRequested()) {
                console.err().println("aim: recipe: stage " + section.key()
                        + (stop.isRequested() ? " stopped" : " failed")
                        + " (the same 'aim recipe run' goes on from here)");
                return exit == ExitCode.OK ? ExitCode.FAILED : exit;
            }
        }
        state.finish(stage);
        console.err().println(String.format(
                Locale.ROOT, "aim: %s: %.1f s, %s", section.key(), (System.nanoTime() - start) / 1e9,
                stage.outputs().getLast()));
        return ExitCode.OK;
    }

    /** Of results only figures are wanted: the run says itself where models and codes are. */
    private Console quiet(Section section) {
        return section == Section.EVALUATE
                ? console
                : new Console(new PrintStream(PrintStream.nullOutputStream()), console.err(), console.interactive());
    }

    private static void delete(Path folder) throws IOException {
        List<Path> paths;
        try (Stream<Path> walk = Files.walk(folder)) {
            paths = walk.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path path : paths) {
            Files.delete(path);
        }
    }
}
