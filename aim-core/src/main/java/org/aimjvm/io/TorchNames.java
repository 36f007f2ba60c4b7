package org.aimjvm.io;

import java.math.BigInteger;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Gives the tensors inside nested containers flat names: the keys on the way to them, joined by dots. */
final class TorchNames {
    private static final int MAX_DEPTH = 64;
    private static final int MAX_VALUES = 1_000_000;
    private static final int MAX_CHARACTERS = 1 << 26;
    /** Types that a message lists. */
    private static final int TYPES_SHOWN = 5;
    /** Ends a message about objects that are not made here. */
    private static final String ADVICE =
            ", expected tensors in plain containers (nothing was run; save model.state_dict()"
                    + " if the file is yours)";

    private final Path path;
    private final Map<String, TorchTensor> tensors = new LinkedHashMap<>();
    private final Map<String, String> texts = new LinkedHashMap<>();
    private final Set<String> wrappers = new LinkedHashSet<>();
    private final Map<String, String> opaque = new LinkedHashMap<>();
    private int values;
    private long characters;

    private TorchNames(Path path) {
        this.path = path;
    }

    /**
     * Walks through {@code root}.
     *
     * @throws CheckpointException if it is nested too deeply (or contains itself), too large, gives two tensors one
     *     name, or keeps tensors in objects that only the program that wrote it can make
     */
    static TorchNames of(Path path, Object root) {
        TorchNames names = new TorchNames(path);
        switch (root) {
            case PyValue.Tensor(TorchTensor tensor) -> names.tensors.put("tensor", tensor);
            case PyValue.PyDict dict -> names.wrapped(dict);
            case PyValue.Opaque _ -> names.value(root, "", 0);
            default -> names.children(root, "", 0);
        }
        if (names.tensors.isEmpty() && !names.opaque.isEmpty()) {
            throw names.problem("no tensors outside of objects of " + String.join(", ", names.opaque.values().stream()
                    .distinct().limit(TYPES_SHOWN).map(CheckpointException::shorten).toList()) + ADVICE);
        }
        return names;
    }

    /** Tensors by name, in file order. */
    Map<String, TorchTensor> tensors() {
        return tensors;
    }

    /** Numbers and texts by name. */
    Map<String, String> texts() {
        return texts;
    }

    /** Types of the objects that were left out, by name. */
    Map<String, String> opaque() {
        return opaque;
    }

    /** Keys of the outermost dict under which lie further containers with tensors. */
    Set<String> wrappers() {
        return wrappers;
    }

    private void wrapped(PyValue.PyDict root) {
        int i = 0;
        for (Map.Entry<Object, Object> e : root.items.entrySet()) {
            int before = tensors.size();
            String key = key(e.getKey(), i++);
            value(e.getValue(), key, 1);
            if (tensors.size() > before && !(e.getValue() instanceof PyValue.Tensor)) {
                wrappers.add(key);
            }
        }
    }

    private void children(Object container, String prefix, int depth) {
        if (depth > MAX_DEPTH) {
            throw problem("containers nested more than " + MAX_DEPTH + " deep (or containing themselves)");
        }
        switch (container) {
            case PyValue.PyDict dict -> children(dict.items, prefix, depth);
            case PyValue.PyBag bag -> children(bag.attributes, prefix, depth);
            case PyValue.PyList list -> children(list.items, prefix, depth);
            case PyValue.PyTuple tuple -> children(tuple.items, prefix, depth);
            default -> {}
        }
    }

    private void children(Map<Object, Object> items, String prefix, int depth) {
        int i = 0;
        for (Map.Entry<Object, Object> e : items.entrySet()) {
            value(e.getValue(), join(prefix, key(e.getKey(), i++)), depth + 1);
        }
    }

    private void children(List<Object> items, String prefix, int depth) {
        for (int i = 0; i < items.size(); i++) {
            Object item = items.get(i);
            // Single numbers in lists (the optimizer's parameter ids) would only clutter the texts.
            if (item instanceof PyValue) {
                value(item, join(prefix, Integer.toString(i)), depth + 1);
            }
        }
    }

    private void value(Object value, String name, int depth) {
        if (++values > MAX_VALUES || (characters += name.length()) > MAX_CHARACTERS) {
            throw problem("more than " + MAX_VALUES + " values (or names of unreasonable length)");
        }
        switch (value) {
            case PyValue.Tensor(TorchTensor tensor) -> {
                if (tensors.put(name, tensor) != null) {
                    throw new CheckpointException(path, name, "two tensors have this name");
                }
            }
            case PyValue.Opaque(String type, boolean holdsTensor) -> {
                if (holdsTensor) {
                    throw new CheckpointException(
                            path, name, "a tensor inside an object of " + CheckpointException.shorten(type) + ADVICE);
                }
                opaque.put(name, type);
            }
            case PyValue other -> children(other, name, depth);
            case byte[] _ -> {}
            default -> texts.put(name, value.toString());
        }
    }

    private static String join(String prefix, String key) {
        return prefix.isEmpty() ? key : prefix + "." + key;
    }

    private static String key(Object key, int index) {
        return switch (key) {
            case String s -> s;
            case Long n -> n.toString();
            case BigInteger n -> n.toString();
            case Boolean b -> b.toString();
            case Double d -> d.toString();
            default -> "#" + index;
        };
    }

    private CheckpointException problem(String problem) {
        return new CheckpointException(path, null, problem);
    }
}
