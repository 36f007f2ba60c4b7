package org.aimjvm.io;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a restricted pickle can be made of, besides {@link String}, {@link Long}, {@link java.math.BigInteger},
 * {@link Double}, {@link Boolean} and {@code byte[]}. Containers compare by identity: they may contain themselves.
 */
sealed interface PyValue {
    /** Python's {@code None}. */
    enum None implements PyValue {
        NONE
    }

    /** {@code list} or {@code set}. */
    final class PyList implements PyValue {
        final List<Object> items;

        PyList(List<Object> items) {
            this.items = new ArrayList<>(items);
        }
    }

    /** {@code tuple} or {@code torch.Size}; does not change. */
    final class PyTuple implements PyValue {
        final List<Object> items;

        PyTuple(List<Object> items) {
            this.items = Collections.unmodifiableList(new ArrayList<>(items));
        }
    }

    /** {@code dict} or {@code OrderedDict}. */
    final class PyDict implements PyValue {
        final Map<Object, Object> items = new LinkedHashMap<>();
    }

    /** An {@code argparse.Namespace} or the like: attributes and nothing else. */
    final class PyBag implements PyValue {
        final Map<Object, Object> attributes = new LinkedHashMap<>();
    }

    /** A global on the list of allowed ones. */
    record Global(TorchGlobals.Known known, String name) implements PyValue {}

    /**
     * What is no tensor and no plain container: a name that is not on the list, or what calling it would make. Nothing
     * is called, and what is put into it is dropped.
     *
     * @param type the name the pickle gives
     * @param holdsTensor whether it would be made of a tensor or a storage, so that leaving it out would lose weights
     */
    record Opaque(String type, boolean holdsTensor) implements PyValue {}

    /** A tensor. */
    record Tensor(TorchTensor tensor) implements PyValue {}

    /** The storage of tensors. */
    record Storage(TorchStorage storage) implements PyValue {}
}
