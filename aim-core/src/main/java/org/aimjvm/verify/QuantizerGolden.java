package org.aimjvm.verify;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.aimjvm.backend.Backend;
import org.aimjvm.nn.Params;
import org.aimjvm.op.elementwise.ArithmeticOp;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.tensor.Gradients;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.Codebook;
import org.aimjvm.vq.VqConfig;

/**
 * Golden data of the quantiser in training: codes, losses, and arrays {@code grad_LOSS_z}, {@code
 * grad_LOSS_codebook} for the
 * losses vq, commit, entropy, their sum, and the straight-through output times given weights.
 */
final class QuantizerGolden {
    private static final Pattern GRADIENT = Pattern.compile("grad_(.+)_(z|codebook)");
    /** The only one that the original and this library have. */
    private static final double ENTROPY_TEMPERATURE = 0.01;

    private QuantizerGolden() {}

    static void check(GoldenCase c, GoldenChecks checks, Backend backend) {
        if (!checks.requires("z", "codebook")) {
            return;
        }
        checks.input("z", "codebook");
        boolean entropy = c.setting("entropy_temperature", ENTROPY_TEMPERATURE) == ENTROPY_TEMPERATURE;
        boolean normalized = c.flag("l2_norm", true);
        int entries = c.shape("codebook").dim(0);
        int dim = c.shape("codebook").dim(1);
        float ratio = entropy ? (float) c.setting("entropy_loss_ratio", 0) : 0;
        VqConfig config = VqConfig.builder()
                .ch(1)
                .chMult(List.of(1))
                .numResBlocks(1)
                .zChannels(1)
                .nEmbed(entries)
                .embedDim(dim)
                .channels(1, 1)
                .normGroups(1)
                .l2Norm(normalized)
                .commitBeta((float) c.setting("beta", 0.25))
                .entropyLossRatio(ratio)
                .build();
        Codebook codebook = new Codebook(Params.random(backend, 0), config);
        codebook.weight().write(c.floats("codebook"));
        try (Scope _ = Scope.training()) {
            Tensor z = c.parameter(backend, "z");
            Codebook.Quantized q = codebook.quantize(z);
            checks.array("indices", q.codes());
            checks.array("indices", "indices without training", codebook.encode(z));
            checks.array("z_q", q.latents());
            checks.array("z_q", "z_q looked up", codebook.lookup(q.codes(), z.dim(0), z.dim(2), z.dim(3)));
            checks.array("vq_loss", q.vqLoss());
            checks.array("commit_loss", q.commitLoss());
            Map<String, Tensor> losses = losses(c, checks, q);
            for (String array : c.arrays().keySet()) {
                Matcher m = GRADIENT.matcher(array);
                if (m.matches() && losses.containsKey(m.group(1))) {
                    Gradients gradients = losses.get(m.group(1)).backward();
                    Tensor of = m.group(2).equals("z") ? z : codebook.weight();
                    checks.array(array, Differentiated.gradientOrZeros(gradients, of));
                }
            }
        }
    }

    private static Map<String, Tensor> losses(GoldenCase c, GoldenChecks checks, Codebook.Quantized q) {
        Map<String, Tensor> losses = new LinkedHashMap<>();
        losses.put("vq", q.vqLoss());
        losses.put("commit", q.commitLoss());
        Tensor sum = ArithmeticOp.add(q.vqLoss(), q.commitLoss());
        if (q.entropyLoss() != null) {
            checks.array("entropy_loss", q.entropyLoss());
            losses.put("entropy", q.entropyLoss());
            losses.put("sum", ArithmeticOp.add(sum, q.entropyLoss()));
        } else if (c.has("entropy_loss")) {
            checks.otherwise(
                    "an entropy temperature other than " + ENTROPY_TEMPERATURE + " is not part of this library");
        } else {
            losses.put("sum", sum);
        }
        if (c.has("straight_through_weight")) {
            checks.input("straight_through_weight");
            Tensor w = c.tensor(q.latents().backend(), "straight_through_weight");
            losses.put("straight_through", ReduceOp.sum(ArithmeticOp.mul(q.latents(), w)));
        }
        return losses;
    }
}
