package org.aimjvm;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.checkpoint.ModelFolder;
import org.aimjvm.checkpoint.ModelInfo;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.model.AimModel;
import org.aimjvm.sample.GenerationListener;
import org.aimjvm.sample.GenerationRequest;
import org.aimjvm.sample.Generator;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.VqModel;

/**
 * The facade, where a user starts: {@code AiM.load("fashion").generate("sneaker").save(Path.of("sneaker.png"))}.
 *
 * <p>Holds the weights of one model. Calls from several threads are made one after another.
 *
 * <p>A thread that is {@linkplain Thread#interrupt interrupted}, by {@code Future.cancel(true)} too, leaves
 * {@link #generate} or {@link #generateEach} before the next code is drawn, and does not wait for its turn any longer
 * in any method: with a {@link CancellationException}, the interrupt status still set. The model can be used as before.
 */
public final class AiM {
    private final AimModel model;
    private final VqModel tokenizer;
    private final ModelInfo info;
    private final Generator generator;

    private final ReentrantLock turn = new ReentrantLock(); // held while a call computes

    private AiM(ModelFolder folder, LoadOptions options) {
        folder.check();
        this.info = folder.info();
        folder.config().checkStates(options.states());
        Backend backend = options.open();
        this.model = folder.readFrozenModel(backend, options.weights()).withStates(options.states());
        this.tokenizer = folder.readTokenizer(backend);
        int channels = tokenizer.config().outChannels();
        if (channels != 1 && channels != 3) {
            throw new CheckpointException(folder.path(), null, "out_channels: " + channels + " (expected 1 or 3)");
        }
        try {
            this.generator = new Generator(model, tokenizer);
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(folder.path(), null, e.getMessage(), e);
        }
    }

    /**
     * Loads a model on the best backend here.
     *
     * @param model a checkpoint folder, a file of weights with config.json beside it, or the name of an embedded model;
     *     what exists as a file comes first
     * @throws CheckpointException if there is no such model, or it cannot be read, naming every tensor that does not
     *     fit
     */
    public static AiM load(String model) {
        return load(model, LoadOptions.DEFAULT);
    }

    /**
     * As {@link #load(String)} on the given device.
     *
     * @throws CheckpointException if there is no such model, or it cannot be read
     * @throws org.aimjvm.backend.BackendException if the device does not work here
     */
    public static AiM load(String model, Device device) {
        return load(model, LoadOptions.DEFAULT.withDevice(device));
    }

    /**
     * As {@link #load(String)} with a choice of backend, formats and tokenizer.
     *
     * @throws CheckpointException if there is no such model, it cannot be read, or model and tokenizer do not fit each
     *     other
     * @throws org.aimjvm.backend.BackendException if the device does not work here
     * @throws IllegalArgumentException if the model cannot hold its states so, see {@link AimModel#withStates}
     */
    public static AiM load(String model, LoadOptions options) {
        try (ModelFolder folder = options.tokenizer() == null
                ? ModelFolder.open(model)
                : ModelFolder.open(model, options.tokenizer())) {
            return new AiM(folder, options);
        }
    }

    /**
     * As {@link #load(String)} for a path.
     *
     * @throws CheckpointException if it cannot be read
     */
    public static AiM load(Path model) {
        return load(model, LoadOptions.DEFAULT);
    }

    /**
     * As {@link #load(Path)} on the given device.
     *
     * @throws CheckpointException if it cannot be read
     * @throws org.aimjvm.backend.BackendException if the device does not work here
     */
    public static AiM load(Path model, Device device) {
        return load(model, LoadOptions.DEFAULT.withDevice(device));
    }

    /**
     * As {@link #load(String, LoadOptions)} for a path.
     *
     * @throws CheckpointException if it cannot be read, or model and tokenizer do not fit each other
     * @throws org.aimjvm.backend.BackendException if the device does not work here
     * @throws IllegalArgumentException if the model cannot hold its states so, see {@link AimModel#withStates}
     */
    public static AiM load(Path model, LoadOptions options) {
        try (ModelFolder folder = options.tokenizer() == null
                ? ModelFolder.open(model)
                : ModelFolder.open(model, options.tokenizer())) {
            return new AiM(folder, options);
        }
    }

    /** The sequence model. */
    public AimModel model() {
        return model;
    }

    /** The tokenizer. */
    public VqModel tokenizer() {
        return tokenizer;
    }

    /** Class names, recipe, and how pictures are made unless said otherwise. */
    public ModelInfo info() {
        return info;
    }

    /** The model's own options, to start from: {@code aim.defaults().withCount(8).withSeed(42)}. */
    public GenerateOptions defaults() {
        return GenerateOptions.DEFAULT.withGuidance(info.guidance()).withSampling(info.sampling());
    }

    /** Number of classes. */
    public int numClasses() {
        return model.config().numClasses();
    }

    /** Rows and columns of the pictures made. */
    public int pictureSize() {
        return generator.pictureSize();
    }

    /**
     * The label of a class given by name or number: exactly as it is named if there is such a name, else without regard
     * to case, punctuation and spaces.
     *
     * @throws IllegalArgumentException if there is no such class, naming those there are, or if several fit, naming
     *     these
     */
    public int label(String nameOrNumber) {
        return info.label(nameOrNumber, numClasses());
    }

    /**
     * The labels of classes by names and numbers, separated by commas, or {@code all}; names may have commas of
     * their own.
     *
     * @throws IllegalArgumentException as {@link #label}
     */
    public List<Integer> labels(String namesOrNumbers) {
        return info.labels(namesOrNumbers, numClasses());
    }

    /**
     * Makes one picture of a class with the model's default options.
     *
     * @throws IllegalArgumentException if there is no such class
     */
    public Picture generate(int label) {
        return generate(List.of(label), defaults().withCount(1)).getFirst();
    }

    /**
     * As {@link #generate(int)} for a class name (or a number as text).
     *
     * @throws IllegalArgumentException if there is no such class, naming those there are
     */
    public Picture generate(String className) {
        return generate(label(className));
    }

    /**
     * Makes {@code options.count()} pictures of a class.
     *
     * @throws IllegalArgumentException if there is no such class
     */
    public List<Picture> generate(int label, GenerateOptions options) {
        return generate(List.of(label), options);
    }

    /**
     * As {@link #generate(int, GenerateOptions)} for a class name (or a number as text).
     *
     * @throws IllegalArgumentException if there is no such class, naming those there are
     */
    public List<Picture> generate(String className, GenerateOptions options) {
        return generate(label(className), options);
    }

    /**
     * Makes {@code options.count()} pictures of each label, label by label.
     *
     * @throws IllegalArgumentException if a label or an option is out of range, before any work
     */
    public List<Picture> generate(Collection<Integer> labels, GenerateOptions options) {
        return generate(labels, options, GenerationListener.NONE);
    }

    /**
     * As {@link #generate(Collection, GenerateOptions)}, watched.
     *
     * @throws CancellationException if the listener cancelled, or the thread was interrupted
     */
    public List<Picture> generate(Collection<Integer> labels, GenerateOptions options, GenerationListener listener) {
        List<Picture> pictures = new ArrayList<>();
        generateEach(labels, options, listener, pictures::add);
        return pictures;
    }

    /**
     * As {@link #generate(Collection, GenerateOptions, GenerationListener)}, but hands each picture over when it is
     * finished and keeps none: any number in constant memory.
     *
     * @param each takes the pictures, label by label, on this thread; what it throws ends the generation
     * @throws CancellationException if the listener cancelled, or the thread was interrupted
     */
    public void generateEach(
            Collection<Integer> labels, GenerateOptions options, GenerationListener listener, Consumer<Picture> each) {
        long total = (long) labels.size() * options.count();
        if (total > GenerationRequest.MAX_PICTURES) {
            throw new IllegalArgumentException("count: " + options.count() + " pictures of " + labels.size()
                    + " labels (expected at most " + GenerationRequest.MAX_PICTURES + " together)");
        }
        List<GenerationRequest.Job> jobs = new ArrayList<>((int) total);
        for (int label : labels) {
            for (int i = 0; i < options.count(); i++) {
                jobs.add(new GenerationRequest.Job(label, options.seed() + i));
            }
        }
        GenerationRequest request = new GenerationRequest(
                jobs, options.guidance(), options.sampling(), options.prefix(), options.batchSize());
        takeTurn();
        try {
            generator.generateEach(request, listener, p -> each.accept(new Picture(p, info.className(p.label()))));
        } finally {
            turn.unlock();
        }
    }

    /**
     * Codes of a picture.
     *
     * @param pixels (channels, height, width) in [-1, 1]; sides are multiples of the tokenizer's downsampling. Not
     *     modified
     * @return codes in raster order, height / f rows of width / f
     * @throws IllegalArgumentException if the sizes do not fit
     * @throws CancellationException if the thread was interrupted before it was its turn
     */
    public int[] encode(float[] pixels, int height, int width) {
        int channels = tokenizer.config().inChannels();
        takeTurn();
        try (Scope _ = Scope.inference()) {
            Tensor x = Tensor.of(tokenizer.backend(), Shape.of(1, channels, height, width), pixels);
            return tokenizer.encode(x).toInts();
        } finally {
            turn.unlock();
        }
    }

    /**
     * Pixels of codes.
     *
     * @param codes in raster order, {@code rows * columns} of them. Not modified
     * @return (channels, f rows, f columns), about [-1, 1], not clamped
     * @throws IllegalArgumentException if a code is not in the codebook, or their number is another
     * @throws CancellationException if the thread was interrupted before it was its turn
     */
    public float[] decode(int[] codes, int rows, int columns) {
        int entries = tokenizer.config().nEmbed();
        for (int code : codes) {
            if (code < 0 || code >= entries) {
                throw new IllegalArgumentException("decode: code " + code + " (expected 0 to " + (entries - 1) + ")");
            }
        }
        takeTurn();
        try (Scope _ = Scope.inference()) {
            Tensor c = Tensor.ofInts(tokenizer.backend(), Shape.of(codes.length), codes);
            return tokenizer.decode(c, 1, rows, columns).toFloats();
        } finally {
            turn.unlock();
        }
    }

    /** Waits until no other thread's call computes. */
    private void takeTurn() {
        try {
            turn.lockInterruptibly();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            CancellationException cancelled =
                    new CancellationException("AiM: interrupted before the call could begin (expected no interrupt)");
            cancelled.initCause(e);
            throw cancelled;
        }
    }
}
