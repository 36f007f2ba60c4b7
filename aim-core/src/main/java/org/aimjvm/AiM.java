package org.aimjvm;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.Consumer;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.Shape;
import org.aimjvm.backend.StateFormat;
import org.aimjvm.backend.WeightFormat;
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
 * Where a user starts: {@code AiM.load("fashion").generate("sneaker").save(Path.of("sneaker.png"))}.
 *
 * <p>Holds the weights of one model. Calls from several threads are made one after another.
 */
public final class AiM {
    private final AimModel model;
    private final VqModel tokenizer;
    private final ModelInfo info;
    private final Generator generator;

    private AiM(ModelFolder folder, Backend backend, WeightFormat weights, StateFormat states) {
        folder.check();
        this.info = folder.info();
        folder.config().checkStates(states);
        this.model = folder.readFrozenModel(backend, weights).withStates(states);
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
     * @param model a checkpoint folder, a file of weights with config.json beside it, or the name of an embedded model; what
     *     exists as a file comes first
     * @throws CheckpointException if there is no such model, or it cannot be read, naming every tensor that does not fit
     */
    public static AiM load(String model) {
        return load(model, Backends.best());
    }

    /**
     * As {@link #load(String)} on the given backend.
     *
     * @throws CheckpointException if there is no such model, or it cannot be read
     */
    public static AiM load(String model, Backend backend) {
        try (ModelFolder folder = ModelFolder.open(model)) {
            return new AiM(folder, backend, null, StateFormat.F32);
        }
    }

    /**
     * As {@link #load(String)} on the given device.
     *
     * @throws CheckpointException if there is no such model, or it cannot be read
     * @throws org.aimjvm.backend.BackendException if the device does not work here
     */
    public static AiM load(String model, Device device) {
        return load(model, device.open());
    }

    /**
     * As {@link #load(String, Backend)} with the weight matrices of the sequence model in a format of choice: fewer bits are
     * faster and take less memory, and change the pictures a little.
     *
     * @param weights {@code null}: as they are stored
     * @throws CheckpointException if there is no such model, or it cannot be read
     */
    public static AiM load(String model, Backend backend, WeightFormat weights) {
        return load(model, backend, weights, StateFormat.F32);
    }

    /**
     * As {@link #load(String, Backend, WeightFormat)} with the states of Mamba-2 held in a format of choice.
     *
     * @param weights {@code null}: as they are stored
     * @throws CheckpointException if there is no such model, or it cannot be read
     * @throws IllegalArgumentException if the model cannot hold its states so, see {@link AimModel#withStates}
     */
    public static AiM load(String model, Backend backend, WeightFormat weights, StateFormat states) {
        try (ModelFolder folder = ModelFolder.open(model)) {
            return new AiM(folder, backend, weights, states);
        }
    }

    /**
     * As {@link #load(String)} for a path.
     *
     * @throws CheckpointException if it cannot be read
     */
    public static AiM load(Path model) {
        return load(model, Backends.best());
    }

    /**
     * As {@link #load(Path)} on the given backend.
     *
     * @throws CheckpointException if it cannot be read
     */
    public static AiM load(Path model, Backend backend) {
        try (ModelFolder folder = ModelFolder.open(model)) {
            return new AiM(folder, backend, null, StateFormat.F32);
        }
    }

    /**
     * As {@link #load(Path)} on the given device.
     *
     * @throws CheckpointException if it cannot be read
     * @throws org.aimjvm.backend.BackendException if the device does not work here
     */
    public static AiM load(Path model, Device device) {
        return load(model, device.open());
    }

    /**
     * Loads a sequence model and a tokenizer that are in separate files or folders.
     *
     * @throws CheckpointException if one cannot be read, or they do not fit each other
     */
    public static AiM load(Path model, Path tokenizer, Backend backend) {
        return load(model, tokenizer, backend, null);
    }

    /**
     * As {@link #load(Path, Path, Backend)} with the weight matrices of the sequence model in a format of choice.
     *
     * @param weights {@code null}: as they are stored
     * @throws CheckpointException if one cannot be read, or they do not fit each other
     */
    public static AiM load(Path model, Path tokenizer, Backend backend, WeightFormat weights) {
        return load(model, tokenizer, backend, weights, StateFormat.F32);
    }

    /**
     * As {@link #load(Path, Path, Backend, WeightFormat)} with the states of Mamba-2 held in a format of choice.
     *
     * @param weights {@code null}: as they are stored
     * @throws CheckpointException if one cannot be read, or they do not fit each other
     * @throws IllegalArgumentException if the model cannot hold its states so, see {@link AimModel#withStates}
     */
    public static AiM load(
            Path model, Path tokenizer, Backend backend, WeightFormat weights, StateFormat states) {
        try (ModelFolder folder = ModelFolder.open(model, tokenizer)) {
            return new AiM(folder, backend, weights, states);
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
     * The label of a class given by name or number.
     *
     * @throws IllegalArgumentException if there is no such class, naming those there are
     */
    public int label(String nameOrNumber) {
        return info.label(nameOrNumber, numClasses());
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
     * @throws java.util.concurrent.CancellationException if the listener cancelled
     */
    public List<Picture> generate(Collection<Integer> labels, GenerateOptions options, GenerationListener listener) {
        List<Picture> pictures = new ArrayList<>();
        generateEach(labels, options, listener, pictures::add);
        return pictures;
    }

    /**
     * As {@link #generate(Collection, GenerateOptions, GenerationListener)}, but hands each picture over when it is finished
     * and keeps none: any number in constant memory.
     *
     * @param each takes the pictures, label by label, on this thread; what it throws ends the generation
     */
    public synchronized void generateEach(
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
        generator.generateEach(request, listener, p -> each.accept(new Picture(p, info.className(p.label()))));
    }

    /**
     * Codes of a picture.
     *
     * @param pixels (channels, height, width) in [-1, 1]; sides are multiples of the tokenizer's downsampling. Not modified
     * @return codes in raster order, height / f rows of width / f
     * @throws IllegalArgumentException if the sizes do not fit
     */
    public synchronized int[] encode(float[] pixels, int height, int width) {
        int channels = tokenizer.config().inChannels();
        try (Scope _ = Scope.inference()) {
            Tensor x = Tensor.of(tokenizer.backend(), Shape.of(1, channels, height, width), pixels);
            return tokenizer.encode(x).toInts();
        }
    }

    /**
     * Pixels of codes.
     *
     * @param codes in raster order, {@code rows * columns} of them. Not modified
     * @return (channels, f rows, f columns), about [-1, 1], not clamped
     * @throws IllegalArgumentException if a code is not in the codebook, or their number is another
     */
    public synchronized float[] decode(int[] codes, int rows, int columns) {
        int entries = tokenizer.config().nEmbed();
        for (int code : codes) {
            if (code < 0 || code >= entries) {
                throw new IllegalArgumentException("decode: code " + code + " (expected 0 to " + (entries - 1) + ")");
            }
        }
        try (Scope _ = Scope.inference()) {
            Tensor c = Tensor.ofInts(tokenizer.backend(), Shape.of(codes.length), codes);
            return tokenizer.decode(c, 1, rows, columns).toFloats();
        }
    }
}
