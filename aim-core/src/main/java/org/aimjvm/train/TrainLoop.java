package org.aimjvm.train;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.aimjvm.backend.OutOfDeviceMemoryException;
import org.aimjvm.data.EpochSampler;
import org.aimjvm.data.Sampling;
import org.aimjvm.data.Shard;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.SafeTensors;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.TensorSource;
import org.aimjvm.optim.AdamW;
import org.aimjvm.optim.DivergenceException;
import org.aimjvm.optim.Ema;
import org.aimjvm.optim.NamedTensors;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;

/**
 * The training loop: batches, gradient accumulation, exchange between workers, clipping, AdamW, schedules, averaging,
 * validation, samples, checkpoints.
 *
 * <p>All state between steps is the parameters, the moments, the averages, the task's own state and the step number,
 * and all of it is saved in F32; everything else is a pure function of seed and step. So a resumed run has bitwise the
 * losses of an unbroken one.
 */
final class TrainLoop<B> {
    /** What a run must agree on to be continued; {@code null} where there is nothing to agree on. */
    private record Recipe(TrainRecipe training, Object stage, Origin init, String frozen, Sampling sampling) {}

    private final TrainTask<B> task;
    private final TrainRecipe recipe;
    private final RunOptions run;
    private final Workers workers;
    private final TrainListener listener;
    private final EpochSampler sampler;
    private final List<PlayerState<B>> players = new ArrayList<>();
    private final Ema ema;
    private final Map<String, Tensor> beside = new LinkedHashMap<>(); // frozen: files of averages hold them as they are
    private int step;
    private boolean interrupted;
    private volatile boolean stopped;

    TrainLoop(TrainTask<B> task, TrainRecipe recipe, RunOptions run, Workers workers, TrainListener listener) {
        this.task = task;
        this.recipe = recipe;
        this.run = run;
        this.workers = workers;
        this.listener = listener;
        Shard shard = workers.shard();
        if (recipe.batch() % (shard.of() * recipe.accumulation()) != 0) {
            throw new IllegalArgumentException("batch: " + recipe.batch() + " (expected a multiple of " + shard.of()
                    + " workers times " + recipe.accumulation() + " passes)");
        }
        this.sampler = recipe.sampling() == Sampling.BALANCED
                ? EpochSampler.balanced(task.labels(), recipe.batch(), recipe.seed())
                : new EpochSampler(task.size(), recipe.batch(), recipe.seed());
        Map<String, Tensor> averaged = new LinkedHashMap<>();
        for (Player<B> player : task.players()) {
            if (players.stream().anyMatch(p -> p.name().equals(player.name()))) {
                throw new IllegalArgumentException("player: two called " + player.name() + " (expected unique names)");
            }
            players.add(new PlayerState<>(player, players.isEmpty(), recipe.accumulation(), workers));
            if (player.averaged()) {
                averaged.putAll(player.params().trainable());
                beside.putAll(player.params().frozen());
            }
        }
        this.ema = recipe.emaDecay() > 0 ? new Ema(averaged, recipe.emaDecay()) : null;
    }

    /** Asks the run to end after the step under way, with a checkpoint. Safe from any thread. */
    void stop() {
        stopped = true;
    }

    /** Steps made. */
    int step() {
        return step;
    }

    /** Columns of the measures of all players but the first. */
    List<String> otherColumns() {
        return players.stream()
                .skip(1)
                .flatMap(p -> otherMeasures(p).keySet().stream())
                .toList();
    }

    private Map<String, Double> otherMeasures(PlayerState<B> player) {
        Map<String, Double> measures = new LinkedHashMap<>();
        measures.put(player.name() + "_loss", player.loss());
        measures.put(player.name() + "_grad_norm", player.gradNorm());
        return measures;
    }

    /**
     * Trains to the last step of the recipe, until {@link #stop}, or until the thread is interrupted, which is the
     * same; the thread is interrupted again on return. Returns whether it got to the end.
     */
    boolean run() {
        listener.onStart(step, recipe.steps(), sampler.stepsPerEpoch(), recipe.batch());
        try (Scope _ = Scope.inference(); ReadAhead<B> batches = new ReadAhead<>(rows(step), task::read)) {
            int saved = step;
            while (step < recipe.steps() && !stopped) {
                listener.onStep(oneStep(batches));
                takeInterrupt();
                boolean end = step == recipe.steps();
                if (step % sampler.stepsPerEpoch() == 0) {
                    listener.onEpoch(step / sampler.stepsPerEpoch() - 1);
                }
                try {
                    evaluateIfDue(end);
                } finally {
                    if (due(run.checkpointEvery(), end)) { // last, so that a run continued from it lacks nothing
                        undisturbed(this::save);
                        saved = step;
                    }
                }
            }
            if (saved != step) {
                undisturbed(this::save);
            }
        } catch (DivergenceException e) {
            throw run.folder() == null ? e : e.withCheckpoint(RunFolder.latest(run.folder(), step - e.badSteps()));
        } finally {
            if (interrupted) {
                interrupted = false;
                Thread.currentThread().interrupt();
            }
        }
        return step == recipe.steps();
    }

    private void evaluateIfDue(boolean end) {
        if (due(run.validateEvery(), end)) {
            undisturbed(() -> evaluate(() -> listener.onValidation(step, task.validate(run.validatePictures()))));
        }
        if (due(run.sampleEvery(), end)) {
            undisturbed(() -> evaluate(() -> listener.onSample(step)));
        }
    }

    /** Takes the interrupt away until the end, which it asks for: an interrupted thread can read and write no files. */
    private boolean takeInterrupt() {
        boolean now = Thread.interrupted();
        interrupted |= now;
        stopped |= now;
        return now;
    }

    /** Runs {@code work}, and if an interrupt made it fail once more, without: the run ends after it, not in it. */
    private void undisturbed(Runnable work) {
        try {
            work.run();
        } catch (RuntimeException e) {
            if (!takeInterrupt()) {
                throw e;
            }
            work.run();
        }
        takeInterrupt();
    }

    private boolean due(int interval, boolean end) {
        return interval > 0 && (end || step % interval == 0);
    }

    /** This worker's passes from step {@code from} to the last. */
    private Iterator<MicroBatch> rows(int from) {
        Shard shard = workers.shard();
        int first = shard.from(recipe.batch());
        int size = shard.size(recipe.batch()) / recipe.accumulation();
        return IntStream.range(from, recipe.steps())
                .boxed()
                .flatMap(s -> {
                    int[] examples = sampler.indices(s, shard);
                    return IntStream.range(0, recipe.accumulation())
                            .mapToObj(pass -> new MicroBatch(
                                    s, pass, first + pass * size,
                                    Arrays.copyOfRange(examples, pass * size, (pass + 1) * size)));
                })
                .iterator();
    }

    private TrainMetrics oneStep(ReadAhead<B> batches) {
        long start = System.nanoTime();
        List<PlayerState<B>> active = players.stream().filter(p -> p.joinsIn(step)).toList();
        active.forEach(PlayerState::begin);
        boolean inPass = active.stream().allMatch(PlayerState::usesThePassItself);
        for (int pass = 0; pass < recipe.accumulation(); pass++) {
            ReadAhead.Batch<B> next = batches.next();
            long before = players.getFirst().optimizer().bytesInUse();
            try (Scope _ = Scope.training()) {
                active.forEach(p -> p.differentiate(next.rows(), next.content()));
                if (inPass) {
                    update(active);
                }
            } catch (OutOfDeviceMemoryException e) {
                throw e.forBatch(next.rows().size(), before);
            }
        }
        if (!inPass) {
            update(active);
        }
        try (Scope _ = Scope.inference()) {
            task.afterStep(new AfterStep(step, optimizers(), ema, workers.sync()));
        }
        if (ema != null) {
            ema.update();
        }
        return made(active, System.nanoTime() - start);
    }

    /** No player moves before the losses of all are known to be finite. */
    private void update(List<PlayerState<B>> active) {
        active.forEach(p -> p.measure(step));
        active.forEach(p -> p.update(step));
    }

    private Map<String, AdamW> optimizers() {
        Map<String, AdamW> optimizers = new LinkedHashMap<>();
        players.forEach(p -> optimizers.put(p.name(), p.optimizer()));
        return optimizers;
    }

    /** Counts the step. */
    private TrainMetrics made(List<PlayerState<B>> active, long nanos) {
        PlayerState<B> model = players.getFirst();
        Map<String, Double> parts = new LinkedHashMap<>();
        active.forEach(p -> parts.putAll(p.parts()));
        active.stream().filter(p -> p != model).forEach(p -> parts.putAll(otherMeasures(p)));
        double lr = model.lr(step);
        int epoch = sampler.epoch(step);
        step++;
        return new TrainMetrics(step, epoch, model.loss(), parts, lr, model.gradNorm(), nanos * 1e-9);
    }

    /** Runs {@code body} in a scope of its own with the averaged parameters in place, if there are any. */
    void evaluate(Runnable body) {
        try (Scope _ = Scope.inference()) {
            if (ema == null) {
                body.run();
                return;
            }
            try (Ema.Swapped _ = ema.swap()) {
                body.run();
            }
        }
    }

    /** Says which tensors are frozen, in few words however many they are; {@code null} for none. */
    private String frozen() {
        List<String> names =
                task.players().stream().flatMap(p -> p.params().frozen().keySet().stream()).sorted().toList();
        return names.isEmpty() ? null : names.size() + " tensors, #" + Integer.toHexString(names.hashCode());
    }

    private TrainerState state() {
        return TrainerState.of(task.stage(), step, task.data(),
                new Recipe(
                        recipe, task.settings(), task.origin(), frozen(),
                        recipe.sampling() == Sampling.SHUFFLED ? null : recipe.sampling()));
    }

    private void save() {
        if (run.folder() == null) {
            return;
        }
        int keep = task.isHealthy() ? run.keepCheckpoints() : Integer.MAX_VALUE;
        Path folder = new RunFolder(run.folder(), keep).save(step, temp -> {
            task.writeModel(temp);
            players.forEach(p -> p.save(temp));
            if (ema != null) {
                SafeTensorsWriter averages = new SafeTensorsWriter();
                ema.save(averages);
                beside.forEach((name, t) -> NamedTensors.add(averages, name, t));
                averages.write(temp.resolve(RunFolder.EMA));
            }
            SafeTensorsWriter rest = new SafeTensorsWriter();
            if (task.saveState(rest)) {
                rest.write(temp.resolve(RunFolder.TASK));
            }
            state().write(temp);
        });
        listener.onCheckpoint(step, folder);
    }

    /** Begins with other weights of a player, see {@link Trainer#begin}. */
    void begin(String player, TensorSource weights) {
        PlayerState<B> p = beginning(player);
        p.begin(weights);
        if (ema != null && p.averaged()) {
            p.trained().forEach((name, t) -> ema.adopt(name, 0, t.size()));
        }
    }

    /** Begins with the state of an optimiser, see {@link Trainer#beginOptimizer}. */
    void beginOptimizer(String player, TensorSource moments) {
        beginning(player).beginOptimizer(moments);
    }

    private PlayerState<B> beginning(String player) {
        if (step > 0) {
            throw new IllegalStateException(
                    "run: after " + step + " steps (expected one that has not begun; a resumed one has all it needs)");
        }
        return players.stream().filter(p -> p.name().equals(player)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("player: " + player + " (expected one of "
                        + String.join(", ", players.stream().map(PlayerState::name).toList()) + ")"));
    }

    /**
     * Continues from a checkpoint.
     *
     * @throws CheckpointException if it is damaged, or of a run with other settings or data: names what differs
     */
    void resume(Path checkpoint) {
        TrainerState there = TrainerState.read(checkpoint);
        there.requireContinuable(checkpoint, state());
        boolean remembers = task.saveState(new SafeTensorsWriter());
        requireFiles(checkpoint, remembers);
        players.forEach(p -> p.load(checkpoint, there.step()));
        if (ema != null) {
            try (TensorSource file = SafeTensors.open(checkpoint.resolve(RunFolder.EMA))) {
                ema.load(file.select(name -> !beside.containsKey(name)));
            }
        }
        if (remembers) {
            try (TensorSource file = SafeTensors.open(checkpoint.resolve(RunFolder.TASK))) {
                task.loadState(file);
            }
        }
        step = there.step();
    }

    /** Fails before anything is read if the checkpoint lacks a file that {@link #save} writes. */
    private void requireFiles(Path checkpoint, boolean remembers) {
        List<String> files = new ArrayList<>();
        players.forEach(p -> files.addAll(p.files()));
        if (ema != null) {
            files.add(RunFolder.EMA);
        }
        if (remembers) {
            files.add(RunFolder.TASK);
        }
        for (String name : files) {
            if (!Files.isRegularFile(checkpoint.resolve(name))) {
                throw new CheckpointException(
                        checkpoint.resolve(name), null,
                        "no such file, which checkpoints of this run have (bring it back, or remove " + checkpoint
                                + ": the run then goes on from the checkpoint before)");
            }
        }
    }
}
