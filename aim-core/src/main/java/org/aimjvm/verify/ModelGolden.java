package org.aimjvm.verify;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.checkpoint.ModelFolder;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.TensorSource;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.PositionRule;
import org.aimjvm.nn.Dropout;
import org.aimjvm.nn.Params;
import org.aimjvm.nn.Trace;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.op.softmax.CrossEntropyOp;
import org.aimjvm.tensor.Gradients;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;

/** Golden cases of a whole sequence model. */
final class ModelGolden {
    private static final String CONFIG = ModelFolder.CONFIG;
    private static final String WEIGHTS = ModelFolder.WEIGHTS;
    private static final String GRADS = "grads.safetensors";

    private ModelGolden() {}

    static void check(GoldenCase c, GoldenChecks checks, Backend backend) {
        AimModel generating = load(c, checks, backend, PositionRule.SEQUENCE_INDEX);
        DecodingGolden.greedy(c, checks, generating);
        if (!checks.requires("tokens", "labels")) {
            return;
        }
        checks.input("tokens", "labels");
        AimModel training = load(c, checks, backend, PositionRule.PUBLISHED_TRAINING);
        fullSequence(c, checks, training);
        nullClass(c, checks, training);
        generationPositions(c, checks, generating);
        DecodingGolden.forced(c, checks, generating);
        TrainingGolden.check(c, checks, backend);
    }

    /** Reads the sequence model under either position rule. */
    static AimModel load(GoldenCase c, GoldenChecks checks, Backend backend, PositionRule positions) {
        checks.input(CONFIG, WEIGHTS);
        try (ModelFolder folder = ModelFolder.open(c.folder().resolve(WEIGHTS))) {
            if (!folder.hasModel()) {
                throw new CheckpointException(c.folder().resolve(WEIGHTS), null,
                        "no sequence model, expected tensors mamba.*");
            }
            AimConfig config = folder.config();
            TensorSource weights = folder.modelTensors();
            Params params = Params.from(backend, weights, p -> new AimModel(p.sub(AimModel.NAME), config, positions));
            return new AimModel(params.sub(AimModel.NAME), config, positions);
        }
    }

    /** All but the last token of each sequence: what a pass that predicts all of them is given. */
    static Tensor inputs(Tensor tokens) {
        return tokens.dim(1) == 1 ? null : Sequences.slice(tokens, 0, tokens.dim(1) - 1);
    }

    /** Logits, loss, activations and all gradients of a training pass. */
    private static void fullSequence(GoldenCase c, GoldenChecks checks, AimModel model) {
        Map<String, Tensor> activations = new HashMap<>();
        Trace trace = (name, value) -> activations.put("act_" + name, value);
        try (Scope _ = Scope.training()) {
            Tensor tokens = c.intTensor(model.backend(), "tokens");
            Tensor labels = c.intTensor(model.backend(), "labels");
            Tensor logits = model.forward(model.condition(labels), inputs(tokens), null, Dropout.OFF, trace);
            checks.array("logits", logits);
            Tensor loss = ReduceOp.mean(CrossEntropyOp.crossEntropy(logits, tokens));
            checks.array("loss", loss);
            for (String array : c.arrays().keySet()) {
                if (array.startsWith("act_") && activations.containsKey(array)) {
                    checks.array(array, activations.get(array));
                }
            }
            Gradients gradients = loss.backward();
            GradientFiles.check(c, checks, GRADS, model.params().trainable(), gradients);
            double squares = 0;
            for (Tensor p : model.params().trainable().values()) {
                Tensor g = Differentiated.gradientOrZeros(gradients, p);
                squares += model.backend().elementwise().sumOfSquares(g.storage(), g.size());
            }
            checks.floats("grad_norm", "grad_norm", Shape.of(1), new float[] {(float) Math.sqrt(squares)});
        }
    }

    private static void nullClass(GoldenCase c, GoldenChecks checks, AimModel model) {
        int[] labels = new int[c.shape("labels").size()];
        Arrays.fill(labels, model.config().nullClass());
        try (Scope _ = Scope.inference()) {
            Tensor nulls = Tensor.ofInts(model.backend(), Shape.of(labels.length), labels);
            Tensor tokens = inputs(c.intTensor(model.backend(), "tokens"));
            checks.array("logits_null", model.forward(model.condition(nulls), tokens, null));
        }
    }

    private static void generationPositions(GoldenCase c, GoldenChecks checks, AimModel model) {
        try (Scope _ = Scope.inference()) {
            Tensor tokens = inputs(c.intTensor(model.backend(), "tokens"));
            Tensor labels = c.intTensor(model.backend(), "labels");
            checks.array("logits_genpos", model.forward(model.condition(labels), tokens, null));
        }
    }

    /** The arrays of the case whose names begin so, in the file's order. */
    static List<String> startingWith(GoldenCase c, String prefix) {
        return c.arrays().keySet().stream().filter(name -> name.startsWith(prefix)).toList();
    }
}
