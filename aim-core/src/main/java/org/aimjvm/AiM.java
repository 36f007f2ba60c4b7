package org.aimjvm;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.model.AimModel;
import org.aimjvm.sample.GeneratedPicture;
import org.aimjvm.sample.GenerationListener;
import org.aimjvm.sample.GenerationRequest;
import org.aimjvm.sample.Generator;
import org.aimjvm.tensor.Backend;
import org.aimjvm.tensor.Backends;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Shape;
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

    private AiM(ModelFolder folder, Backend backend) {
        this.info = folder.info();
        this.model = folder.readModel(backend);
        this.tokenizer = folder.readTokenizer(backend);
        this.generator = new Generator(model, tokenizer);
    }

    /**
     * Loads a model on the best backend here.
     *
     * @param model a checkpoint folder, a file of weights with config.json beside it, or the name of an embedded model
     * @throws CheckpointException if it cannot be read, naming every tensor that does not fit
     */
    public static AiM load(String model) {
        return load(model, Backends.best());
    }

    /** As {@link #load(String)} on the given backend. */
    public static AiM load(String model, Backend backend) {
        if (!Files.exists(Path.of(model)) && ModelFolder.isEmbedded(model)) {
            try (ModelFolder folder = ModelFolder.openEmbedded(model)) {
                return new AiM(folder, backend);
            }
        }
        return load(Path.of(model), backend);
    }

    /** As {@link #load(String)} for a path. */
    public static AiM load(Path model) {
        return load(model, Backends.best());
    }

    /** As {@link #load(Path)} on the given backend. */
    public static AiM load(Path model, Backend backend) {
        try (ModelFolder folder = ModelFolder.open(model)) {
            return new AiM(folder, backend);
        }
    }

    /** Loads a sequence model and a tokenizer that are in separate files or folders. */
    public static AiM load(Path model, Path tokenizer, Backend backend) {
        try (ModelFolder folder = ModelFolder.open(model, tokenizer)) {
            return new AiM(folder, backend);
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

    /** Class names and how pictures are made unless said otherwise. */
    public ModelInfo info() {
        return info;
    }

    /** Number of classes. */
    public int numClasses() {
        return model.config().numClasses();
    }

    /** Rows and columns of the pictures made. */
    public int pictureSize() {
        return generator.side() * tokenizer.config().downsampling();
    }

    /** The label of a class given by name or number. */
    public int label(String nameOrNumber) {
        return info.label(nameOrNumber, numClasses());
    }

    /**
     * Makes one picture of a class with the model's default options.
     *
     * @throws IllegalArgumentException if there is no such class
     */
    public Picture generate(int label) {
        return generate(List.of(label), info.defaults().withCount(1)).getFirst();
    }

    /** As {@link #generate(int)} for a class name (or a number as text). */
    public Picture generate(String className) {
        return generate(label(className));
    }

    /** Makes {@code options.count()} pictures of a class. */
    public List<Picture> generate(int label, GenerateOptions options) {
        return generate(List.of(label), options);
    }

    /** Makes {@code options.count()} pictures of each label, label by label. */
    public List<Picture> generate(Collection<Integer> labels, GenerateOptions options) {
        return generate(labels, options, GenerationListener.NONE);
    }

    /**
     * As {@link #generate(Collection, GenerateOptions)}, watched.
     *
     * @throws java.util.concurrent.CancellationException if the listener cancelled
     */
    public synchronized List<Picture> generate(
            Collection<Integer> labels, GenerateOptions options, GenerationListener listener) {
        List<GenerationRequest.Job> jobs = new ArrayList<>();
        for (int label : labels) {
            for (int i = 0; i < options.count(); i++) {
                jobs.add(new GenerationRequest.Job(label, options.seed() + i));
            }
        }
        GenerationRequest request = new GenerationRequest(
                jobs, options.guidance(), options.sampling(), options.prefix(), options.batchSize());
        List<Picture> pictures = new ArrayList<>();
        for (GeneratedPicture p : generator.generate(request, listener)) {
            pictures.add(new Picture(p, info.className(p.label())));
        }
        return pictures;
    }

    /**
     * Codes of a picture.
     *
     * @param pixels (channels, height, width) in [-1, 1]; sides are multiples of the tokenizer's downsampling. Not modified
     * @return codes in raster order, height / f rows of width / f
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
