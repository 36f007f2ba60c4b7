package org.aimjvm;

import java.nio.file.Path;
import java.util.Objects;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.StateFormat;
import org.aimjvm.backend.WeightFormat;

/**
 * Options of loading a model. Immutable; each {@code with} method returns a changed copy.
 *
 * @param device where the model computes; {@code null} with a backend, or for the best that works here
 * @param backend an open backend to compute on, which several models may share; {@code null} for that of {@code device}
 * @param weights how the weight matrices of the sequence model are held: fewer bits are faster and take less memory,
 *     and change the pictures a little; {@code null}: each as it is stored
 * @param states how the states of Mamba-2 are held
 * @param tokenizer a folder or file of weights with the tokenizer; {@code null}: it is in the model's own files
 */
public record LoadOptions(Device device, Backend backend, WeightFormat weights, StateFormat states, Path tokenizer) {
    /** The best backend here, shared by all models loaded so; weights as they are stored, states in F32. */
    public static final LoadOptions DEFAULT = new LoadOptions(null, null, null, StateFormat.F32, null);

    /** @throws IllegalArgumentException if both a device and a backend are given */
    public LoadOptions {
        Objects.requireNonNull(states, "states");
        if (device != null && backend != null) {
            throw new IllegalArgumentException(
                    "load: device " + device + " and backend " + backend.name() + " (expected one of the two)");
        }
    }

    /** Computes on a device, by a backend of its own; replaces a backend given before. */
    public LoadOptions withDevice(Device newDevice) {
        return new LoadOptions(Objects.requireNonNull(newDevice, "device"), null, weights, states, tokenizer);
    }

    /** Computes on an open backend; replaces a device given before. */
    public LoadOptions withBackend(Backend newBackend) {
        return new LoadOptions(null, Objects.requireNonNull(newBackend, "backend"), weights, states, tokenizer);
    }

    /** Holds the weight matrices of the sequence model in a format; {@code null}: each as it is stored. */
    public LoadOptions withWeights(WeightFormat newWeights) {
        return new LoadOptions(device, backend, newWeights, states, tokenizer);
    }

    /** Holds the states of Mamba-2 in a format. */
    public LoadOptions withStates(StateFormat newStates) {
        return new LoadOptions(device, backend, weights, newStates, tokenizer);
    }

    /** Takes the tokenizer from a folder or file of its own; {@code null}: from the model's files. */
    public LoadOptions withTokenizer(Path newTokenizer) {
        return new LoadOptions(device, backend, weights, states, newTokenizer);
    }

    /** The backend to load on. */
    Backend open() {
        if (backend != null) {
            return backend;
        }
        return device == null ? Backends.best() : device.open();
    }
}
