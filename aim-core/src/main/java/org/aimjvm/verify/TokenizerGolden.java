package org.aimjvm.verify;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.checkpoint.ModelFolder;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.TensorSource;
import org.aimjvm.nn.Params;
import org.aimjvm.nn.Trace;
import org.aimjvm.op.elementwise.ArithmeticOp;
import org.aimjvm.op.elementwise.PointwiseOp;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.Codebook;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;

/** Golden cases of a whole tokenizer: pictures to codes and back, and gradients of its training loss. */
final class TokenizerGolden {
    private static final String WEIGHTS = ModelFolder.WEIGHTS;

    private TokenizerGolden() {}

    /** Every intermediate activation on the way from a picture to a picture. */
    static void check(GoldenCase c, GoldenChecks checks, Backend backend) {
        if (!checks.requires("image")) {
            return;
        }
        checks.input("image", WEIGHTS, ModelFolder.VQ_CONFIG);
        VqModel model = load(c.folder(), backend, 0.25f, 0);
        Map<String, Tensor> activations = new HashMap<>();
        Trace trace = (name, value) -> {
            Tensor copy = Tensor.persistent(backend, value.shape());
            copy.write(value);
            activations.put("act_" + name, copy);
        };
        try (Scope _ = Scope.inference()) {
            Tensor image = c.tensor(backend, "image");
            Tensor z = model.latents(image, trace);
            int batch = z.dim(0);
            int height = z.dim(2);
            int width = z.dim(3);
            checks.array("pre_quant", z);
            Codebook.Quantized q = model.codebook().quantize(z);
            checks.array("indices", q.codes());
            checks.array("indices", "indices of encode", model.encode(image));
            checks.array("quant", q.latents());
            // the codes of the data, so that the decoder is checked on its own
            Tensor codes = c.has("indices") ? c.intTensor(backend, "indices") : q.codes();
            Tensor latents = model.codebook().lookup(codes, batch, height, width);
            checks.array("codebook_lookup", latents);
            checks.array("decoded", model.decodeLatents(latents, trace));
            checks.array("decoded", "decoded from codes", model.decode(codes, batch, height, width));
            for (String array : ModelGolden.startingWith(c, "act_")) {
                if (activations.containsKey(array)) {
                    checks.array(array, activations.get(array));
                }
            }
        }
    }

    /** Losses and gradients of stage 1; the weights are in the case itself or in its neighbour {@code e2e}. */
    static void autoencoder(GoldenCase c, GoldenChecks checks, Backend backend) {
        Path weights = c.hasFile(WEIGHTS) ? c.folder() : c.neighbour("e2e");
        if (weights == null) {
            checks.otherwise("needs the weights of the case e2e, which is not beside it");
            return;
        }
        if (!checks.requires("image")) {
            return;
        }
        checks.input("image", WEIGHTS, ModelFolder.VQ_CONFIG);
        float beta = (float) c.setting("beta", 0.25);
        VqModel model = load(weights, backend, beta, (float) c.setting("entropy_loss_ratio", 0));
        try (Scope _ = Scope.training()) {
            Tensor image = c.tensor(backend, "image");
            Codebook.Quantized q = model.codebook().quantize(model.latents(image, Trace.OFF));
            Tensor reconstruction = model.decodeLatents(q.latents(), Trace.OFF);
            checks.array("reconstruction", reconstruction);
            Tensor mse = ReduceOp.mean(PointwiseOp.square(ArithmeticOp.sub(reconstruction, image)));
            Tensor total = ArithmeticOp.add(ArithmeticOp.add(mse, q.vqLoss()), q.commitLoss());
            Tensor entropy = q.entropyLoss();
            total = entropy == null ? total : ArithmeticOp.add(total, entropy);
            checks.floats("losses", "losses", Shape.of(5), new float[] {
                mse.item(), q.vqLoss().item(), q.commitLoss().item(), entropy == null ? 0 : entropy.item(), total.item()
            });
            GradientFiles.check(c, checks, "grads.safetensors", model.params().trainable(), total.backward());
        }
    }

    /** Reads the tokenizer of a folder, with other weights of the losses; its names are those below {@code vqvae.}. */
    private static VqModel load(Path folder, Backend backend, float commitBeta, float entropyLossRatio) {
        try (ModelFolder files = ModelFolder.open(folder.resolve(WEIGHTS))) {
            if (!files.hasTokenizer()) {
                throw new CheckpointException(folder.resolve(WEIGHTS), null, "no tokenizer, expected tensors vqvae.*");
            }
            VqConfig config = files.vqConfig().toBuilder()
                    .commitBeta(commitBeta)
                    .entropyLossRatio(entropyLossRatio)
                    .build();
            TensorSource weights = files.tokenizerTensors().sub(VqModel.NAME + ".");
            Params params = Params.from(backend, weights, p -> new VqModel(p, config));
            return new VqModel(params, config);
        }
    }
}
