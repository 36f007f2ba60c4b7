package org.aimjvm.optim;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.TensorSource;
import org.aimjvm.tensor.Tensor;

/** Saving and strict loading of tensors by name, in F32, so that what is loaded is bitwise what was saved. */
public final class NamedTensors {
    private static final int LISTED = 8;

    private NamedTensors() {}

    /** Adds {@code t} to {@code file}; its elements are read when the file is written. */
    public static void add(SafeTensorsWriter file, String name, Tensor t) {
        file.floats(name, DType.F32, t.shape(), t::toFloats);
    }

    /**
     * Overwrites {@code targets} with the tensors of {@code file}.
     *
     * @throws CheckpointException listing missing, unexpected and misshapen tensors; nothing is changed then
     */
    public static void load(TensorSource file, Map<String, Tensor> targets) {
        List<String> problems = new ArrayList<>();
        targets.forEach((name, t) -> {
            if (!file.contains(name)) {
                problems.add(name + ": missing");
                return;
            }
            Shape shape = file.info(name).shape();
            if (!shape.equals(t.shape())) {
                problems.add(name + ": shape " + shape + ", expected " + t.shape());
            } else if (file.info(name).dtype() != DType.F32) {
                problems.add(name + ": " + file.info(name).dtype() + ", expected F32");
            }
        });
        for (String name : file.names()) {
            if (!targets.containsKey(name)) {
                problems.add(name + ": unexpected");
            }
        }
        if (!problems.isEmpty()) {
            String more = problems.size() > LISTED ? " and " + (problems.size() - LISTED) + " more" : "";
            throw new CheckpointException(
                    file.path(),
                    null,
                    String.join("; ", problems.subList(0, Math.min(LISTED, problems.size()))) + more
                            + " (is it of a run with the same model?)");
        }
        targets.forEach((name, t) -> t.write(file.readFloats(name)));
    }

    /**
     * A count from 0 in the metadata of {@code file}.
     *
     * @throws CheckpointException if it is missing or no such number
     */
    public static int count(TensorSource file, String key) {
        String text = file.metadata().get(key);
        if (text != null && text.matches("\\d{1,9}")) {
            return Integer.parseInt(text);
        }
        throw new CheckpointException(file.path(), null, "metadata " + key + ": " + text + ", expected a count");
    }
}
