package org.aimjvm.train;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.aimjvm.checkpoint.ModelFolder;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.SafeTensors;
import org.aimjvm.io.TensorSource;
import org.aimjvm.nn.Params;
import org.aimjvm.optim.TorchAdam;
import org.aimjvm.vq.VqModel;

/**
 * What a checkpoint of a tokenizer's training holds beside the tokenizer, to begin another training with: the
 * discriminator and the states of both optimisers. Checkpoints of this library's runs have it in files of their own,
 * those of LlamaGen's trainer ({@code tokenizer/tokenizer_image/vq_train.py}) under the keys {@code discriminator},
 * {@code optimizer} and {@code optimizer_disc}. Other files hold none of it.
 */
public final class StartState implements AutoCloseable {
    private static final String DISCRIMINATOR = "discriminator.";
    private static final String MODEL = "model.";
    /** Buffers of a published discriminator, by the ends of their names. */
    private static final Set<String> STATISTICS = Set.of("running_mean", "running_var", "num_batches_tracked");

    private final ModelFolder folder;
    private final Path run; // null: not a checkpoint of this library's runs
    private final TensorSource file;
    private final List<TensorSource> opened = new ArrayList<>();

    /** @param folder to be open as long as what is read here */
    public StartState(ModelFolder folder) {
        this.folder = folder;
        this.file = folder.file();
        String name = String.valueOf(file.path().getFileName());
        boolean ours = name.equals(RunFolder.MODEL) || name.equals(RunFolder.EMA);
        this.run = ours && Files.exists(folder.path().resolve(TrainerState.FILE)) ? folder.path() : null;
    }

    /** The discriminator's tensors, {@code main.*}. */
    public Optional<TensorSource> discriminator() {
        if (run != null) {
            return opened(PlayerState.tensors(VqTrainer.DISCRIMINATOR));
        }
        TensorSource tensors = file.sub(DISCRIMINATOR);
        return tensors.names().isEmpty() ? Optional.empty() : Optional.of(tensors);
    }

    /**
     * The state of the tokenizer's optimiser, as {@link Trainer#beginOptimizer} takes it.
     *
     * @throws CheckpointException if there is one of another kind
     */
    public Optional<TensorSource> optimizer() {
        if (run != null) {
            return opened(RunFolder.OPTIMIZER);
        }
        Params listing = Params.shapesOnly();
        new VqModel(listing.sub(VqModel.NAME), folder.vqConfig());
        List<String> parameters = file.sub(MODEL).names().stream().map(name -> VqModel.NAME + "." + name)
                .filter(listing.weights()::containsKey).toList();
        return torch("optimizer", parameters);
    }

    /** The state of the discriminator's optimiser, as {@link #optimizer}. */
    public Optional<TensorSource> discriminatorOptimizer() {
        if (run != null) {
            return opened(PlayerState.moments(VqTrainer.DISCRIMINATOR));
        }
        List<String> parameters = file.sub(DISCRIMINATOR).names().stream()
                .filter(name -> !STATISTICS.contains(name.substring(name.lastIndexOf('.') + 1))).toList();
        return torch("optimizer_disc", parameters);
    }

    private Optional<TensorSource> torch(String key, List<String> parameters) {
        return parameters.isEmpty() || file.names().stream().noneMatch(name -> name.startsWith(key + ".state."))
                ? Optional.empty()
                : Optional.of(TorchAdam.moments(file, key, parameters));
    }

    private Optional<TensorSource> opened(String name) {
        Path path = run.resolve(name);
        if (!Files.exists(path)) {
            return Optional.empty();
        }
        TensorSource source = SafeTensors.open(path);
        opened.add(source);
        return Optional.of(source);
    }

    @Override
    public void close() {
        opened.forEach(TensorSource::close);
    }
}
