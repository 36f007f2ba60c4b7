package org.aimjvm.optim;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.TensorSource;

/**
 * The state of PyTorch's Adam or AdamW in a training checkpoint, which knows parameters by number: their place among
 * {@code module.parameters()}, which is that of their names in the module's state dict.
 */
public final class TorchAdam {
    private static final Pattern NAME = Pattern.compile("state\\.(\\d{1,9})\\.(step|exp_avg|exp_avg_sq)");
    private static final float MOST_STEPS = 1 << 24; // to which F32 counts

    private TorchAdam() {}

    /**
     * The moments as {@link AdamW#load} takes them.
     *
     * @param file whole checkpoint
     * @param key under which the optimiser's state dict lies in it
     * @param parameters the names that {@link AdamW} has for the module's parameters, in the order of its state dict,
     *     without buffers
     * @throws CheckpointException if it is the state of another kind of optimiser, of several groups of parameters, of
     *     more parameters, or of some that were not in all steps
     */
    public static TensorSource moments(TensorSource file, String key, List<String> parameters) {
        if (file.metadata().keySet().stream().anyMatch(k -> k.startsWith(key + ".param_groups.1."))) {
            throw problem(file, key, "several groups of parameters, whose order is the program's own (expected one)");
        }
        TensorSource state = file.sub(key + ".");
        Set<Integer> seen = new TreeSet<>();
        for (String name : state.names()) {
            Matcher m = NAME.matcher(name);
            if (!m.matches()) {
                throw problem(file, key,
                        CheckpointException.shorten(name) + " (expected step, exp_avg and exp_avg_sq of"
                                + " Adam or AdamW)");
            }
            int index = Integer.parseInt(m.group(1));
            if (index >= parameters.size()) {
                throw problem(file, key, "state of parameter " + index + " (expected " + parameters.size()
                        + " parameters, as there are in the checkpoint)");
            }
            seen.add(index);
        }
        int steps = -1;
        for (int index : seen) {
            int its = steps(file, key, index);
            if (steps >= 0 && its != steps) {
                throw problem(file, key,
                        "parameters after " + steps + " and after " + its + " steps (expected all after"
                                + " as many)");
            }
            steps = its;
        }
        if (steps < 0) {
            throw problem(file, key, "no state (expected that of an optimiser that has made steps)");
        }
        return state.select(name -> !name.endsWith(".step"))
                .renamed(name -> renamed(name, parameters))
                .withMetadata(Map.of(AdamW.STEP, Integer.toString(steps)));
    }

    private static String renamed(String name, List<String> parameters) {
        Matcher m = NAME.matcher(name);
        if (!m.matches()) {
            throw new IllegalStateException("moment: " + name + " (expected one that was looked at)");
        }
        return m.group(2) + "." + parameters.get(Integer.parseInt(m.group(1)));
    }

    /** Steps of a parameter: a tensor in new files, a number in old ones. */
    private static int steps(TensorSource file, String key, int index) {
        String name = key + ".state." + index + ".step";
        double steps = Double.NaN;
        if (file.contains(name) && file.info(name).shape().size() == 1) {
            steps = file.readFloats(name)[0];
        } else if (file.metadata().getOrDefault(name, "").matches("\\d{1,9}")) {
            steps = Integer.parseInt(file.metadata().get(name));
        }
        if (!(steps >= 1 && steps <= MOST_STEPS && steps == Math.rint(steps))) {
            throw problem(file, key, "steps of parameter " + index + ": "
                    + (Double.isNaN(steps) ? "missing" : Double.toString(steps)) + " (expected a count from 1)");
        }
        return (int) steps;
    }

    private static CheckpointException problem(TensorSource file, String key, String problem) {
        return new CheckpointException(file.path(), null, "optimiser under " + key + ": " + problem);
    }
}
