package org.aimjvm.io;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.aimjvm.backend.DType;

/**
 * The names a PyTorch pickle may refer to, and what using them makes here. There is no other way from a pickle to
 * behaviour: a name that is not on this list, and all that is made with it, is a {@linkplain PyValue.Opaque value that
 * does nothing}.
 */
final class TorchGlobals {
    /** What an allowed name stands for. */
    enum Known {
        ORDERED_DICT, DEFAULT_DICT, SET, BAG, SIZE, DEVICE, REBUILD_TENSOR, REBUILD_PARAMETER, REBUILD_FROM_TYPE, STORAGE
    }

    private static final Map<String, Known> ALLOWED = Map.ofEntries(
            Map.entry("collections.OrderedDict", Known.ORDERED_DICT),
            Map.entry("collections.defaultdict", Known.DEFAULT_DICT),
            Map.entry("builtins.set", Known.SET),
            Map.entry("__builtin__.set", Known.SET),
            Map.entry("argparse.Namespace", Known.BAG),
            Map.entry("types.SimpleNamespace", Known.BAG),
            Map.entry("torch.Size", Known.SIZE),
            Map.entry("torch.device", Known.DEVICE),
            Map.entry("torch._utils._rebuild_tensor", Known.REBUILD_TENSOR),
            Map.entry("torch._utils._rebuild_tensor_v2", Known.REBUILD_TENSOR),
            Map.entry("torch._utils._rebuild_parameter", Known.REBUILD_PARAMETER),
            Map.entry("torch._utils._rebuild_parameter_with_state", Known.REBUILD_PARAMETER),
            Map.entry("torch._tensor._rebuild_from_type_v2", Known.REBUILD_FROM_TYPE));

    private static final Map<String, DType> STORAGES = Map.of(
            "DoubleStorage", DType.F64,
            "FloatStorage", DType.F32,
            "HalfStorage", DType.F16,
            "BFloat16Storage", DType.BF16,
            "LongStorage", DType.I64,
            "IntStorage", DType.I32,
            "ShortStorage", DType.I16,
            "CharStorage", DType.I8,
            "ByteStorage", DType.U8,
            "BoolStorage", DType.BOOL);

    private static final int MAX_TENSORS = 200_000;
    private static final int MAX_COPIED = 4_000_000;

    private final Path path;
    private int tensors;
    private long copied;
    private final Map<String, TorchStorage> storages = new LinkedHashMap<>();

    TorchGlobals(Path path) {
        this.path = path;
    }

    /** All storages referred to so far, by key, each in full ({@code start} 0). */
    Map<String, TorchStorage> storages() {
        return storages;
    }

    /** Looks up a name: a {@link PyValue.Global} if it is on the list. */
    PyValue find(String module, String name) {
        String full = module + "." + name;
        boolean storage = (module.equals("torch") || module.equals("torch.cuda")) && STORAGES.containsKey(name);
        Known known = storage ? Known.STORAGE : ALLOWED.get(full);
        return known == null ? new PyValue.Opaque(full, false) : new PyValue.Global(known, name);
    }

    /** The result of calling a value. {@code args} is not modified. */
    PyValue call(Object callable, List<Object> args) {
        spend(args.size());
        if (callable instanceof PyValue.Opaque(String type, boolean holdsTensor)) {
            return new PyValue.Opaque(type, holdsTensor || args.stream().anyMatch(TorchGlobals::isOfTensors));
        }
        if (!(callable instanceof PyValue.Global global)) {
            throw problem("the pickle calls something that is not a function");
        }
        return switch (global.known()) {
            case ORDERED_DICT -> orderedDict(args);
            case BAG -> {
                requireArgs(global, args, 0, 0);
                yield new PyValue.PyBag();
            }
            case DEFAULT_DICT -> {
                requireArgs(global, args, 0, 1);
                yield new PyValue.PyDict();
            }
            case SET -> {
                requireArgs(global, args, 0, 1);
                yield new PyValue.PyList(args.isEmpty() ? List.of() : items(args.getFirst()));
            }
            case SIZE -> {
                requireArgs(global, args, 1, 1);
                yield new PyValue.PyTuple(items(args.getFirst()));
            }
            case DEVICE -> new PyValue.PyTuple(args);
            case REBUILD_TENSOR -> {
                requireArgs(global, args, 4, 7);
                yield tensor(args);
            }
            case REBUILD_PARAMETER -> {
                requireArgs(global, args, 3, 4);
                yield switch (args.getFirst()) {
                    case PyValue.Tensor t -> t;
                    case PyValue.Opaque(String type, boolean _) -> new PyValue.Opaque(type, true);
                    default -> throw problem("the pickle makes a parameter of something that is not a tensor");
                };
            }
            case REBUILD_FROM_TYPE -> { // function, type, its arguments, attributes
                requireArgs(global, args, 4, 4);
                if (!(args.get(2) instanceof PyValue.PyTuple inner)
                        || args.getFirst() instanceof PyValue.Global(Known made, String _)
                                && made == Known.REBUILD_FROM_TYPE) {
                    throw problem("the pickle makes a tensor without a tuple of arguments");
                }
                yield call(args.getFirst(), inner.items);
            }
            case STORAGE -> throw problem("the pickle calls " + global.name() + ", expected only tensors of it");
        };
    }

    private static boolean isOfTensors(Object value) {
        return switch (value) {
            case PyValue.Tensor _,PyValue.Storage _ -> true;
            case PyValue.Opaque(String _, boolean holdsTensor) -> holdsTensor;
            default -> false;
        };
    }

    /** Gives an object its attributes. */
    void build(Object target, Object state) {
        switch (target) {
            case PyValue.PyBag bag when state instanceof PyValue.PyDict attributes -> {
                spend(attributes.items.size());
                bag.attributes.putAll(attributes.items);
            }
            // Of an object that is left out, and of a tensor (hooks, names a program gave it), nothing is read.
            case PyValue.Opaque _,PyValue.Tensor _ -> {}
            // A state dict carries version numbers of modules as an attribute, of which nothing is read.
            case PyValue.PyDict _ when state instanceof PyValue.PyDict -> {}
            default -> throw problem("the pickle sets attributes of something that has none");
        }
    }

    /**
     * What a persistent id stands for: the storage of ("storage", type, key, location, size[, view]); the class of
     * ("module", class, file, source), which legacy files keep for people to read.
     */
    PyValue persistent(Object id) {
        if (id instanceof PyValue.PyTuple t && t.items.size() > 1 && "module".equals(t.items.get(0))
                && t.items.get(1) instanceof PyValue.Opaque type) {
            return type;
        }
        if (id instanceof PyValue.PyTuple t && t.items.size() > 1 && "storage".equals(t.items.get(0))
                && t.items.get(1) instanceof PyValue.Opaque(String type, boolean _)) {
            return new PyValue.Opaque(type, true);
        }
        if (!(id instanceof PyValue.PyTuple t)
                || t.items.size() < 5
                || t.items.size() > 6
                || !"storage".equals(t.items.get(0))
                || !(t.items.get(1) instanceof PyValue.Global(Known known, String type))
                || known != Known.STORAGE
                || !(t.items.get(2) instanceof String key)
                || !(t.items.get(4) instanceof Long size)) {
            throw problem("persistent id, expected (\"storage\", type, key, location, size)");
        }
        DType dtype = STORAGES.get(type);
        if (size < 0 || size > Long.MAX_VALUE / 16) {
            throw problem("storage " + CheckpointException.shorten(key) + " of " + size + " elements");
        }
        TorchStorage whole = new TorchStorage(key, dtype, size, 0, size);
        TorchStorage before = storages.putIfAbsent(key, whole);
        if (before != null && !before.equals(whole)) {
            throw problem("storage " + CheckpointException.shorten(key) + " is both " + before.size() + " "
                    + before.dtype() + " and " + size + " " + dtype);
        }
        return new PyValue.Storage(t.items.size() == 6 ? view(whole, t.items.get(5)) : whole);
    }

    private TorchStorage view(TorchStorage whole, Object view) {
        if (view == PyValue.None.NONE) {
            return whole;
        }
        if (!(view instanceof PyValue.PyTuple v)
                || v.items.size() != 3
                || !(v.items.get(1) instanceof Long start)
                || !(v.items.get(2) instanceof Long count)
                || start < 0
                || count < 0
                || start > whole.size() - count) {
            throw problem("view of storage " + CheckpointException.shorten(whole.key())
                    + ", expected (key, start, size)"
                    + " within its " + whole.size() + " elements");
        }
        return new TorchStorage(whole.key(), whole.dtype(), whole.size(), start, count);
    }

    private PyValue tensor(List<Object> args) {
        if (++tensors > MAX_TENSORS) {
            throw problem("more than " + MAX_TENSORS + " tensors");
        }
        if (args.get(0) instanceof PyValue.Opaque opaque) {
            return new PyValue.Opaque(opaque.type(), true);
        }
        if (!(args.get(0) instanceof PyValue.Storage(TorchStorage storage)) || !(args.get(1) instanceof Long offset)) {
            throw problem("tensor without storage and offset");
        }
        return new PyValue.Tensor(new TorchTensor(path, storage, offset, longs(args.get(2)), longs(args.get(3))));
    }

    private PyValue.PyDict orderedDict(List<Object> args) {
        PyValue.PyDict dict = new PyValue.PyDict();
        if (args.isEmpty()) {
            return dict;
        }
        for (Object pair : items(args.getFirst())) {
            List<Object> entry = items(pair);
            if (args.size() != 1 || entry.size() != 2) {
                throw problem("OrderedDict, expected a list of pairs");
            }
            dict.items.put(entry.get(0), entry.get(1));
        }
        return dict;
    }

    private List<Object> items(Object sequence) {
        List<Object> items =
                switch (sequence) {
                    case PyValue.PyList list -> list.items;
                    case PyValue.PyTuple tuple -> tuple.items;
                    default -> throw problem("the pickle passes something else than a list or tuple");
                };
        spend(items.size());
        return items;
    }

    private long[] longs(Object tuple) {
        List<Object> items = items(tuple);
        if (items.size() > TorchTensor.MAX_RANK) {
            throw problem("tensor of rank " + items.size() + ", expected at most " + TorchTensor.MAX_RANK);
        }
        long[] values = new long[items.size()];
        for (int i = 0; i < values.length; i++) {
            if (!(items.get(i) instanceof Long value)) {
                throw problem("sizes or strides of a tensor, expected integers");
            }
            values[i] = value;
        }
        return values;
    }

    private void requireArgs(PyValue.Global global, List<Object> args, int min, int max) {
        if (args.size() < min || args.size() > max) {
            throw problem(global.name() + ": " + args.size() + " arguments, expected " + min + " to " + max);
        }
    }

    /** Counts what calls copy or look at: by way of the memo, a short pickle could make that a long list each time. */
    private void spend(int items) {
        copied += items;
        if (copied > MAX_COPIED) {
            throw problem("the pickle copies more than " + MAX_COPIED + " values");
        }
    }

    private CheckpointException problem(String problem) {
        return new CheckpointException(path, null, problem);
    }
}
