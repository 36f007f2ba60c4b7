package org.aimjvm.train;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.aimjvm.backend.Shape;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.SafeTensors;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.TensorSource;
import org.aimjvm.nn.Mismatch;
import org.aimjvm.optim.AdamW;
import org.aimjvm.optim.DivergenceException;
import org.aimjvm.optim.GradientAccumulator;
import org.aimjvm.optim.NamedTensors;
import org.aimjvm.tensor.Gradients;
import org.aimjvm.tensor.Tensor;

/** A player in a run: its optimiser, and what it has gathered in the step under way. */
final class PlayerState<B> {
    private static final String BEFORE = "steps_before_the_run";

    private final Player<B> player;
    private final boolean first;
    private final int passes;
    private final GradientSync sync;
    private final List<Tensor> trained;
    private final AdamW optimizer;
    private final GradientAccumulator accumulator; // null: the gradients of the one pass are used where they are
    private int before; // steps that the optimiser had made when the run began
    private Gradients gradients;
    private double loss;
    private double gradNorm;
    private Map<String, Double> parts = new LinkedHashMap<>();

    /**
     * @param first whether it is the model, whose files have names without its own
     * @param passes passes of a step
     */
    PlayerState(Player<B> player, boolean first, int passes, Workers workers) {
        this.player = player;
        this.first = first;
        this.passes = passes;
        this.sync = workers.sync();
        Map<String, Tensor> params = player.params().trainable();
        this.trained = List.copyOf(params.values());
        this.optimizer = new AdamW(params, player.optimizer());
        // what is exchanged is written over, and a gradient of a pass may serve two parameters
        this.accumulator = passes > 1 || workers.exchange() ? new GradientAccumulator(params) : null;
    }

    String name() {
        return player.name();
    }

    /** Whether averages are kept of it, if of any. */
    boolean averaged() {
        return player.averaged();
    }

    /** What it trains, by name. */
    Map<String, Tensor> trained() {
        return player.params().trainable();
    }

    AdamW optimizer() {
        return optimizer;
    }

    boolean joinsIn(int step) {
        return step >= player.firstStep();
    }

    double lr(int step) {
        return player.optimizer().lr() * player.schedule().factor(step - player.firstStep());
    }

    double loss() {
        return loss;
    }

    double gradNorm() {
        return gradNorm;
    }

    Map<String, Double> parts() {
        return parts;
    }

    void begin() {
        loss = 0;
        parts = new LinkedHashMap<>();
    }

    /** Loss and gradients of a pass. */
    void differentiate(MicroBatch rows, B batch) {
        Player.Loss l = player.loss().of(rows, batch);
        loss += l.loss().item() / passes; // divided in F32
        l.parts().forEach((name, value) -> parts.merge(name, value / passes, Double::sum));
        gradients = l.loss().backward(trained);
        if (accumulator != null) {
            accumulator.add(gradients);
            gradients = null;
        }
    }

    /** Whether {@link #update} needs the scope of the pass to be open. */
    boolean usesThePassItself() {
        return accumulator == null;
    }

    /** Replaces loss and parts by their means over the workers, and fails if the loss is not finite. */
    void measure(int step) {
        List<String> names = List.copyOf(parts.keySet());
        double[] mine = new double[1 + names.size()];
        Arrays.setAll(mine, i -> i == 0 ? loss : parts.get(names.get(i - 1)));
        double[] all = sync.gather(step, name() + " measures", mine);
        int workers = all.length / mine.length;
        double[] mean = new double[mine.length];
        for (int i = 0; i < all.length; i++) {
            mean[i % mine.length] += all[i];
        }
        loss = mean[0] / workers;
        for (int i = 0; i < names.size(); i++) {
            parts.put(names.get(i), mean[i + 1] / workers);
        }
        if (!Double.isFinite(loss)) {
            throw new DivergenceException((first ? "loss: " : "loss of " + name() + ": ") + (float) loss + " in step "
                    + (step + 1) + ", expected a finite number (lower the learning rate, or warm up longer)");
        }
    }

    /** Moves the parameters. */
    void update(int step) {
        if (accumulator == null) {
            gradNorm = optimizer.step(gradients, lr(step));
            gradients = null;
        } else {
            Map<String, Tensor> sums = accumulator.sums();
            sync.average(step, name(), sums);
            gradNorm = optimizer.step(sums, lr(step), 1.0 / passes);
            accumulator.clear();
        }
    }

    /** File of the optimiser of a player that is not the first. */
    static String moments(String player) {
        return "optimizer-" + player + ".safetensors";
    }

    /** File of the tensors of a player that is not the first. */
    static String tensors(String player) {
        return "player-" + player + ".safetensors";
    }

    private String moments() {
        return first ? RunFolder.OPTIMIZER : moments(name());
    }

    private String tensors() {
        return first ? RunFolder.MODEL : tensors(name());
    }

    /**
     * Begins with other weights.
     *
     * @throws CheckpointException if they are not those of such a player; nothing is changed then
     */
    void begin(TensorSource weights) {
        Map<String, Shape> shapes = new LinkedHashMap<>();
        weights.names().forEach(name -> shapes.put(name, weights.info(name).shape()));
        Mismatch mismatch = player.params().compare(shapes);
        if (!mismatch.isEmpty()) {
            throw new CheckpointException(
                    weights.path(), null, name() + ": " + mismatch.describe("is it of another size?"));
        }
        player.params().all().forEach((name, t) -> {
            if (weights.contains(name)) {
                t.write(weights.readFloats(name));
            }
        });
    }

    /**
     * Begins with the state of an optimiser that has made steps; that of frozen tensors is left out.
     *
     * @throws CheckpointException if it is of other tensors; nothing is changed then
     */
    void beginOptimizer(TensorSource moments) {
        Set<String> frozen = player.params().frozen().keySet();
        optimizer.load(moments.select(name -> !frozen.contains(name.substring(name.indexOf('.') + 1))));
        before = optimizer.steps();
    }

    /** Names of what {@link #load} reads. */
    List<String> files() {
        return List.of(tensors(), moments());
    }

    /** Writes the moments and, unless the task does, the tensors. */
    void save(Path folder) {
        if (!first) {
            SafeTensorsWriter file = new SafeTensorsWriter();
            player.params().all().forEach((name, t) -> NamedTensors.add(file, name, t));
            file.write(folder.resolve(tensors()));
        }
        SafeTensorsWriter file = new SafeTensorsWriter();
        optimizer.save(file);
        if (before > 0) {
            file.metadata(BEFORE, Integer.toString(before));
        }
        file.write(folder.resolve(moments()));
    }

    /**
     * Restores what {@link #save} and the task wrote after {@code step} steps.
     *
     * @throws CheckpointException if files are damaged, of another model, or of another step
     */
    void load(Path folder, int step) {
        try (TensorSource file = SafeTensors.open(folder.resolve(tensors()))) {
            NamedTensors.load(file, player.params().all());
        }
        try (TensorSource file = SafeTensors.open(folder.resolve(moments()))) {
            optimizer.load(file);
            before = file.metadata().containsKey(BEFORE) ? NamedTensors.count(file, BEFORE) : 0;
        }
        int expected = before + Math.max(0, step - player.firstStep());
        if (optimizer.steps() != expected) {
            throw new CheckpointException(folder, null, "optimiser of " + name() + " after " + optimizer.steps()
                    + " steps, expected " + expected + " (are the files of one checkpoint?)");
        }
    }
}
