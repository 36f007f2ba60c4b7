package org.aimjvm.nn;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.zip.CRC32;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.backend.WeightMatrix;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.TensorSource;
import org.aimjvm.tensor.Tensor;

/**
 * The source of a model's tensors. A layer's constructor asks for each tensor by the name it has in the published
 * checkpoint, with its shape and how it starts; backed by a checkpoint that reads it, backed by a seed it initialises
 * it. Every name is recorded, for the optimiser and for saving.
 */
public final class Params {
    private interface Supply {
        float[] values(String name, Shape shape, Init init);
    }

    /** A frozen weight matrix on the backend. */
    private interface Matrices {
        Tensor weights(String name, Shape shape, Init init);
    }

    /** What a tensor is for, said by the constructor that asks for it; models define their own. */
    public interface Role {}

    /** Which tensors keep their values while the others are trained. */
    @FunctionalInterface
    public interface Freeze {
        /** Nothing is frozen. */
        Freeze NONE = (_, _) -> false;

        /**
         * Whether a tensor is frozen.
         *
         * @param name its full name
         * @param role what it is for, {@code null} if its layer said nothing
         */
        boolean holds(String name, Role role);
    }

    private final Root root;
    private final String prefix;
    private final Role role; // null: not said
    private final Freeze freeze;

    private static final class Root {
        final Backend backend;
        final Supply supply;
        final Map<String, Tensor> tensors = new LinkedHashMap<>();
        final Map<String, Tensor> weights = new LinkedHashMap<>();
        final Set<String> frozenNames = new LinkedHashSet<>();
        final Set<String> optional = new TreeSet<>();
        final Map<String, Init> inits = new HashMap<>();
        final Map<String, Role> roles = new HashMap<>();
        final Set<String> matrices = new TreeSet<>();
        Matrices frozen; // null: matrices are plain tensors that can be trained
        Supply initial; // null: starting values are not known
        Map<String, Tensor> shared; // not null: tensors of another model, taken without their gradients
        String sharedPrefix;

        Root(Backend backend, Supply supply) {
            this.backend = backend;
            this.supply = supply;
        }
    }

    private Params(Root root) {
        this(root, "", null, Freeze.NONE);
    }

    private Params(Root root, String prefix, Role role, Freeze freeze) {
        this.root = root;
        this.prefix = prefix;
        this.role = role;
        this.freeze = freeze;
    }

    /**
     * Parameters initialised from {@code seed}. Each tensor's values depend on the seed and its name only, not on the
     * order in which tensors are asked for.
     */
    public static Params random(Backend backend, long seed) {
        return new Params(
                new Root(backend, (name, shape, init) -> init.values(shape, new SplittableRandom(seed + hash(name)))));
    }

    /**
     * As {@link #random(Backend, long)} for a model that only generates: weight matrices are held in {@code format}.
     */
    public static Params random(Backend backend, long seed, WeightFormat format) {
        Params params = random(backend, seed);
        params.root.frozen = (name, shape, init) -> Tensor.weights(
                backend,
                new WeightMatrix.Floats(
                        shape.dim(0), shape.dim(1), WeightFormat.F32,
                        () -> params.root.supply.values(name, shape, init)),
                format);
        return params;
    }

    /** No data: a model built on it has names and shapes but computes nothing. Costs no memory, whatever the size. */
    public static Params shapesOnly() {
        return new Params(new Root(ShapeOnlyBackend.INSTANCE, null));
    }

    /**
     * As {@link #shapesOnly}, remembering how tensors start: {@link #initialValues} are those of {@link #random} with
     * this seed, one tensor at a time, so that a model larger than memory can be written.
     */
    public static Params listing(long seed) {
        Root root = new Root(ShapeOnlyBackend.INSTANCE, null);
        root.initial = (name, shape, init) -> init.values(shape, new SplittableRandom(seed + hash(name)));
        return new Params(root);
    }

    /**
     * How a tensor starts.
     *
     * @param name full name, one of {@link #all}
     * @return its elements, computed anew in each call
     * @throws IllegalStateException unless made by {@link #listing}
     */
    public float[] initialValues(String name) {
        Init init = root.inits.get(name);
        if (root.initial == null || init == null) {
            throw new IllegalStateException(
                    name + ": initial values not known (expected a tensor asked of Params.listing)");
        }
        return root.initial.values(name, root.tensors.get(name).shape(), init);
    }

    /**
     * Parameters read from {@code source}. {@code build} is run without data first, and every missing, unexpected or
     * misshapen tensor is reported together before anything is read.
     *
     * @param build constructs the model on the given parameters
     * @throws CheckpointException if names or shapes disagree
     */
    public static Params from(Backend backend, TensorSource source, Consumer<Params> build) {
        requireFit(source, build);
        return fitting(backend, source);
    }

    private static void requireFit(TensorSource source, Consumer<Params> build) {
        Mismatch mismatch = compare(source, build);
        if (!mismatch.isEmpty()) {
            throw new CheckpointException(source.path(), null, mismatch.toString());
        }
    }

    /**
     * As {@link #from(Backend, TensorSource, Consumer)} for a source of which {@link #compare} has found that it fits.
     */
    public static Params fitting(Backend backend, TensorSource source) {
        return new Params(
                new Root(
                        backend,
                        (name, shape, init) -> source.contains(name)
                                ? source.readFloats(name)
                                : init.values(shape, new SplittableRandom(hash(name)))));
    }

    /**
     * The tensors of a model as constants: a second model built on them computes the same, with the same memory, and
     * gives them no gradient: all are frozen. So one model can be trained through another without training it.
     *
     * @param names gives the tensors, see {@link #all}; the names asked for are those below its prefix
     */
    public static Params constants(Params names) {
        Params params = new Params(new Root(names.backend(), null));
        params.root.shared = names.all();
        params.root.sharedPrefix = names.prefix;
        return params.freezing((_, _) -> true);
    }

    /**
     * As {@link #from(Backend, TensorSource, Consumer)} for a model that only generates, see
     * {@link #frozen(Backend, TensorSource, WeightFormat)}.
     *
     * @throws CheckpointException if names or shapes disagree
     */
    public static Params frozen(Backend backend, TensorSource source, Consumer<Params> build, WeightFormat format) {
        requireFit(source, build);
        return frozen(backend, source, format);
    }

    /**
     * As {@link #fitting} for a model that only generates: weight matrices are held in {@code format}, those of a
     * mapped F32 file without a copy.
     *
     * @param format {@code null}: each in the format it is stored in
     */
    public static Params frozen(Backend backend, TensorSource source, WeightFormat format) {
        Params params = fitting(backend, source);
        params.root.frozen = (name, shape, init) -> {
            WeightMatrix matrix = source.matrix(name);
            try {
                return Tensor.weights(backend, matrix, format == null ? matrix.format() : format);
            } catch (IllegalArgumentException | ArithmeticException e) { // the latter: more than an array holds
                throw new CheckpointException(source.path(), name, e.getMessage(), e);
            }
        };
        return params;
    }

    /**
     * Where a checkpoint and what a model asks for disagree; nothing is read and no memory taken, whatever the sizes
     * are.
     *
     * @param build constructs the model on the given parameters
     * @throws CheckpointException if the model cannot exist: a tensor would have more elements than a Java array
     */
    public static Mismatch compare(TensorSource source, Consumer<Params> build) {
        Params listing = shapesOnly();
        try {
            build.accept(listing);
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(
                    source.path(), null, "the configuration asks for a tensor that cannot exist, " + e.getMessage(), e);
        }
        Map<String, Shape> got = new LinkedHashMap<>();
        source.names().forEach(name -> got.put(name, source.info(name).shape()));
        return listing.compare(got);
    }

    /** Where tensors of the given names and shapes and those asked for so far disagree. */
    public Mismatch compare(Map<String, Shape> got) {
        List<String> missing = new ArrayList<>();
        List<String> misshapen = new ArrayList<>();
        Set<String> unexpected = new TreeSet<>(got.keySet());
        root.tensors.forEach((name, tensor) -> {
            unexpected.remove(name);
            Shape shape = got.get(name);
            if (shape == null && !root.optional.contains(name)) {
                missing.add(name + " " + tensor.shape());
            } else if (shape != null && !shape.equals(tensor.shape())) {
                misshapen.add(name + " " + shape + " (expected " + tensor.shape() + ")");
            }
        });
        List<String> strangers = unexpected.stream()
                .map(name -> CheckpointException.shorten(name) + " " + got.get(name))
                .toList();
        return new Mismatch(missing, misshapen, strangers);
    }

    /** The parameters whose names start with {@code name} and a dot. */
    public Params sub(String name) {
        return new Params(root, prefix + name + ".", role, freeze);
    }

    /** The same, whose tensors are asked for to serve as {@code newRole}. */
    public Params as(Role newRole) {
        return new Params(root, prefix, newRole, freeze);
    }

    /**
     * The same, of whose tensors asked for from now on those of {@code which} are frozen: they want no gradient, so
     * that none is computed for them, no optimiser moves them and no average is kept of them; they are saved with all
     * others.
     */
    public Params freezing(Freeze which) {
        return new Params(root, prefix, role, which);
    }

    /** What tensors asked for here are for, as said by {@link #as}; {@code null} before. */
    public Role role() {
        return role;
    }

    /** As {@link #sub(String)} for a numbered child, e.g. {@code layers.3}. */
    public Params sub(String name, int index) {
        return sub(name + "." + index);
    }

    /**
     * The trainable tensor of this name; one without a gradient if it is frozen, see {@link #freezing}.
     *
     * @throws IllegalStateException if it was asked for before: two layers claim one name
     */
    public Tensor get(String name, Shape shape, Init init) {
        Tensor t = make(name, shape, init);
        String path = prefix + name;
        if (freeze.holds(path, role)) {
            t = t.detach();
            root.frozenNames.add(path);
        }
        root.tensors.put(path, t);
        root.weights.put(path, t);
        return t;
    }

    /**
     * As {@link #get} for a weight matrix (out, in) that is only multiplied and looked up in: a model made for
     * generating holds it in another form, see {@link WeightFormat}.
     */
    public Tensor matrix(String name, Shape shape, Init init) {
        root.matrices.add(prefix + name);
        if (root.frozen == null) {
            return get(name, shape, init);
        }
        String path = claim(name, init);
        Tensor t = root.frozen.weights(path, shape, init);
        root.tensors.put(path, t);
        root.weights.put(path, t);
        return t;
    }

    /** As {@link #get} for a tensor that is saved but not trained, and that a checkpoint may lack: statistics. */
    public Tensor buffer(String name, Shape shape, Init init) {
        Tensor t = make(name, shape, init).detach();
        root.tensors.put(prefix + name, t);
        root.optional.add(prefix + name);
        return t;
    }

    private Tensor make(String name, Shape shape, Init init) {
        String path = claim(name, init);
        if (root.shared != null) {
            Tensor theirs = root.shared.get(root.sharedPrefix + path);
            if (theirs == null || !theirs.shape().equals(shape)) {
                throw new IllegalArgumentException(path + ": " + (theirs == null ? "missing" : theirs.shape())
                        + " (expected " + shape + ", as of a model of the same configuration)");
            }
            return theirs;
        }
        return root.supply == null
                ? Tensor.empty(root.backend, shape)
                : Tensor.parameter(root.backend, shape, root.supply.values(path, shape, init));
    }

    private String claim(String name, Init init) {
        String path = prefix + name;
        if (root.tensors.containsKey(path)) {
            throw new IllegalStateException("parameter " + path + ": asked for twice");
        }
        root.inits.put(path, init);
        root.roles.put(path, role);
        return path;
    }

    /** Full names of the weight matrices asked for so far, see {@link #matrix}. */
    public Set<String> matrices() {
        return Collections.unmodifiableSet(root.matrices);
    }

    /**
     * What the tensor of this full name is for, as its layer said when it asked for it.
     *
     * @return {@code null} if the layer said nothing or there is no such tensor
     */
    public Role role(String name) {
        return root.roles.get(name);
    }

    /** The backend the tensors live on. */
    public Backend backend() {
        return root.backend;
    }

    /**
     * Every tensor asked for so far below this prefix, trainable or not, by full name, in the order of asking. So a
     * model's own parameters are those of the view it was built on, whatever else was built beside it.
     */
    public Map<String, Tensor> all() {
        return below(root.tensors);
    }

    /** Those of {@link #all} that a model learns, frozen or not: all but its statistics. */
    public Map<String, Tensor> weights() {
        return below(root.weights);
    }

    /** Those of {@link #weights} that are not frozen, see {@link #freezing}. */
    public Map<String, Tensor> trainable() {
        Map<String, Tensor> all = weights();
        if (root.frozenNames.isEmpty()) {
            return all;
        }
        Map<String, Tensor> free = new LinkedHashMap<>(all);
        free.keySet().removeAll(root.frozenNames);
        return Collections.unmodifiableMap(free);
    }

    /** Those of {@link #weights} that are frozen, see {@link #freezing}. */
    public Map<String, Tensor> frozen() {
        Map<String, Tensor> held = new LinkedHashMap<>(weights());
        held.keySet().retainAll(root.frozenNames);
        return Collections.unmodifiableMap(held);
    }

    private Map<String, Tensor> below(Map<String, Tensor> tensors) {
        if (prefix.isEmpty()) {
            return Collections.unmodifiableMap(tensors);
        }
        Map<String, Tensor> mine = new LinkedHashMap<>();
        tensors.forEach((name, t) -> {
            if (name.startsWith(prefix)) {
                mine.put(name, t);
            }
        });
        return Collections.unmodifiableMap(mine);
    }

    /** Full name of a tensor of {@link #all} that was asked for as {@code name} from this view. */
    public String fullName(String name) {
        return prefix + name;
    }

    /** Number of elements of all {@link #weights}. */
    public long count() {
        return weights().values().stream().mapToLong(Tensor::size).sum();
    }

    /**
     * Fails unless there are {@link #trainable} tensors and all of them can be trained: a model made to generate holds
     * its matrices in other forms.
     *
     * @param what the model's name, for the message
     * @throws IllegalArgumentException naming the first matrix that cannot
     */
    public void requireTrainable(String what) {
        if (trainable().isEmpty()) {
            throw new IllegalArgumentException(
                    what + ": all " + weights().size() + " tensors are frozen (expected one at least to train)");
        }
        trainable().forEach((name, t) -> {
            if (!t.isParameter()) {
                throw new IllegalArgumentException(
                        what + ": " + name + " is held to generate with and wants no gradient"
                                + " (expected a model read to be trained: ModelFolder.readModel)");
            }
        });
    }

    /** Spreads names over the seeds: two 32-bit checksums of the name and of its reverse. */
    private static long hash(String name) {
        CRC32 forward = new CRC32();
        forward.update(name.getBytes(StandardCharsets.UTF_8));
        CRC32 backward = new CRC32();
        backward.update(new StringBuilder(name).reverse().toString().getBytes(StandardCharsets.UTF_8));
        return (forward.getValue() << 32 | backward.getValue()) * 0x9E3779B97F4A7C15L;
    }
}
