package org.aimjvm.command;

import java.nio.file.Path;
import org.aimjvm.backend.Backend;
import org.aimjvm.checkpoint.ModelFolder;
import org.aimjvm.checkpoint.ModelInfo;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.nn.Params;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;

/**
 * A tokenizer to train or to use.
 *
 * @param info what its folder says about classes and recipe
 */
public record Tokenizer(VqModel model, ModelInfo info) {
    /**
     * Reads the tokenizer of a model: a folder, a file of weights, or the name of an embedded one.
     *
     * @throws CheckpointException if there is none, or it does not fit its configuration
     */
    public static Tokenizer read(String name, Backend backend) {
        try (ModelFolder folder = Models.open(name)) {
            if (!folder.hasTokenizer()) {
                throw new CheckpointException(Path.of(name), null, "no tokenizer (expected tensors vqvae.*)");
            }
            VqConfig config = folder.vqConfig();
            Params params = Params.from(
                    backend,
                    folder.tokenizerTensors(),
                    p -> new VqModel(p.sub(VqModel.NAME), config));
            return new Tokenizer(new VqModel(params.sub(VqModel.NAME), config), folder.info());
        }
    }

    /** A new one, initialised from {@code seed}, of which the parts of {@code freeze} are not to be trained. */
    public static Tokenizer random(VqConfig config, Backend backend, long seed, Params.Freeze freeze) {
        Params params = Params.random(backend, seed).freezing(freeze);
        return new Tokenizer(new VqModel(params.sub(VqModel.NAME), config), ModelInfo.PUBLISHED);
    }
}
