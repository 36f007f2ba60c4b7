package org.aimjvm.vq;

import static org.aimjvm.op.elementwise.ArithmeticOp.add;
import static org.aimjvm.op.elementwise.ArithmeticOp.affine;
import static org.aimjvm.op.elementwise.ArithmeticOp.mul;
import static org.aimjvm.op.elementwise.ArithmeticOp.scale;
import static org.aimjvm.op.elementwise.ArithmeticOp.sub;
import static org.aimjvm.op.elementwise.PointwiseOp.log;
import static org.aimjvm.op.elementwise.PointwiseOp.square;

import java.util.Arrays;
import org.aimjvm.backend.Shape;
import org.aimjvm.nn.Init;
import org.aimjvm.nn.Params;
import org.aimjvm.op.elementwise.AddBiasOp;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.op.elementwise.TransposeOp;
import org.aimjvm.op.gemm.LinearOp;
import org.aimjvm.op.gemm.MatMulOp;
import org.aimjvm.op.index.EmbeddingOp;
import org.aimjvm.op.index.NearestCodeOp;
import org.aimjvm.op.norm.L2NormalizeOp;
import org.aimjvm.op.softmax.SoftmaxOp;
import org.aimjvm.tensor.Tensor;

/**
 * Vector quantiser (van den Oord et al. 2017; l2-normalised codes, Yu et al. 2022): a latent becomes its nearest code.
 * With normalisation, latents and codes are compared on the unit sphere, and decoding uses normalised codes.
 */
public final class Codebook {
    private static final float EPS = 1e-12f;
    /** Temperature of the soft assignment in the entropy loss. */
    private static final float TEMPERATURE = 0.01f;
    /** Entries of the usage history kept by the original; stored with the weights, used for statistics only. */
    private static final int HISTORY = 65536;

    /** What the encoder gets of the gradient of the codes that its latents became. */
    public enum Gradient {
        /** The same gradient, as if quantisation were the identity (straight-through, Bengio et al. 2013). */
        STRAIGHT,
        /**
         * The gradient turned and scaled as the latent was turned and scaled onto its code (rotation trick, Fifty et al.
         * 2024, arXiv 2410.06424): {@code q = lambda R e}, {@code lambda = |q| / |e|}, {@code R = I - 2 r r^T + 2 q1
         * e1^T}, {@code r = (e1 + q1) / |e1 + q1|} for unit vectors e1 and q1, all constants.
         */
        ROTATION
    }

    /**
     * A quantised batch.
     *
     * @param latents codes in place of the latents, (batch, embedDim, h, w); gradients pass straight through to the
     *     encoder
     * @param codes I32 (batch * h * w), in (batch, row, column) order
     * @param vqLoss mean of (z_q - sg z)^2, a scalar: moves the codes
     * @param commitLoss commitBeta * mean of (sg z_q - z)^2: keeps the encoder near its codes
     * @param entropyLoss entropyLossRatio * (mean entropy of the soft assignments - entropy of their mean); {@code
     *     null} if the ratio is 0
     */
    public record Quantized(Tensor latents, Tensor codes, Tensor vqLoss, Tensor commitLoss, Tensor entropyLoss) {}

    private final VqConfig config;
    private final String weightName;
    private final Tensor weight; // (nEmbed, embedDim)
    private final boolean frozen;
    private final Tensor used; // (HISTORY)

    /** @param params gives tensors by the names below {@code quantize.} in the published checkpoints */
    public Codebook(Params params, VqConfig config) {
        this.config = config;
        Init start = Init.uniform(1.0 / config.nEmbed());
        this.weight = params.get(
                "embedding.weight",
                Shape.of(config.nEmbed(), config.embedDim()),
                config.l2Norm() ? Init.unitRows(start) : start);
        this.weightName = params.fullName("embedding.weight");
        this.frozen = params.frozen().containsKey(weightName);
        this.used = params.buffer("codebook_used", Shape.of(HISTORY), Init.zeros());
    }

    /** (nEmbed, embedDim), as stored: rows need not have norm 1. */
    public Tensor weight() {
        return weight;
    }

    /** Whether the codes keep their values while other parts are trained, see {@link Params#freezing}. */
    public boolean isFrozen() {
        return frozen;
    }

    /** Full name of {@link #weight} among the tokenizer's parameters. */
    public String weightName() {
        return weightName;
    }

    /** The latest choices of codes as floats, oldest first: a buffer that checkpoints hold; statistics only. */
    public Tensor used() {
        return used;
    }

    private Tensor normalized(Tensor rows) {
        return config.l2Norm() ? L2NormalizeOp.l2Normalize(rows, EPS) : rows;
    }

    /** Latents (batch, embedDim, h, w) as rows (batch * h * w, embedDim). */
    private static Tensor toRows(Tensor z) {
        int area = z.dim(2) * z.dim(3);
        return TransposeOp.transpose(z.reshape(z.dim(0), z.dim(1), area)).reshape(z.dim(0) * area, z.dim(1));
    }

    private static Tensor toPlanes(Tensor rows, int batch, int height, int width) {
        int dim = rows.dim(1);
        return TransposeOp.transpose(rows.reshape(batch, height * width, dim)).reshape(batch, dim, height, width);
    }

    /** Nearest codes of latents (batch, embedDim, h, w): I32 (batch * h * w). */
    public Tensor encode(Tensor z) {
        return NearestCodeOp.nearestCode(normalized(toRows(z)), normalized(weight));
    }

    /**
     * Codes as latents.
     *
     * @param codes I32 (batch * height * width)
     * @return (batch, embedDim, height, width)
     */
    public Tensor lookup(Tensor codes, int batch, int height, int width) {
        return toPlanes(EmbeddingOp.embedding(normalized(weight), codes), batch, height, width);
    }

    /** Quantises latents (batch, embedDim, h, w) for training, with a straight-through gradient. */
    public Quantized quantize(Tensor z) {
        return quantize(z, weight, Gradient.STRAIGHT);
    }

    /**
     * Quantises latents (batch, embedDim, h, w) for training.
     *
     * @param codes (nEmbed, embedDim) in place of {@link #weight}, with the same values; what they were computed from
     *     gets the gradient of the losses
     * @param gradient what flows through to the encoder
     */
    public Quantized quantize(Tensor z, Tensor codes, Gradient gradient) {
        Tensor rows = normalized(toRows(z)); // (batch * h * w, embedDim)
        Tensor codebook = normalized(codes);
        Tensor chosen = NearestCodeOp.nearestCode(rows, codebook);
        Tensor nearest = EmbeddingOp.embedding(codebook, chosen);
        Tensor vqLoss = ReduceOp.mean(square(sub(nearest, rows.detach())));
        Tensor commitLoss = scale(ReduceOp.mean(square(sub(nearest.detach(), rows))), config.commitBeta());
        Tensor entropyLoss = config.entropyLossRatio() == 0 ? null : entropyLoss(rows, codebook);
        Tensor through = gradient == Gradient.STRAIGHT
                ? add(rows, sub(nearest, rows).detach())
                : rotated(rows, nearest.detach());
        return new Quantized(toPlanes(through, z.dim(0), z.dim(2), z.dim(3)), chosen, vqLoss, commitLoss, entropyLoss);
    }

    /** The codes of rows as rows turned and scaled, bitwise {@code nearest}. */
    private static Tensor rotated(Tensor rows, Tensor nearest) {
        Tensor e = rows.detach();
        Tensor e1 = L2NormalizeOp.l2Normalize(e, EPS);
        Tensor q1 = L2NormalizeOp.l2Normalize(nearest, EPS);
        Tensor r = L2NormalizeOp.l2Normalize(add(e1, q1), EPS);
        Tensor turned = add(sub(rows, scale(along(r, dots(r, rows)), 2)), scale(along(q1, dots(e1, rows)), 2));
        Tensor moved = mul(turned, ratio(nearest, e));
        return add(nearest, sub(moved, moved.detach()));
    }

    /** Inner products of rows, (n, 1). */
    private static Tensor dots(Tensor a, Tensor b) {
        return LinearOp.linear(mul(a, b), Tensor.full(a.backend(), Shape.of(1, a.dim(1)), 1f), null);
    }

    /** Each row of {@code a} times its factor (n, 1). */
    private static Tensor along(Tensor a, Tensor factors) {
        return mul(a, LinearOp.linear(factors, Tensor.full(a.backend(), Shape.of(a.dim(1), 1), 1f), null));
    }

    /** {@code |a| / |b|} of rows, at each element; 1 where b is zero. */
    private static Tensor ratio(Tensor a, Tensor b) {
        float[] as = a.toFloats();
        float[] bs = b.toFloats();
        int dim = a.dim(1);
        for (int row = 0; row < a.dim(0); row++) {
            double ofA = 0;
            double ofB = 0;
            for (int i = row * dim; i < (row + 1) * dim; i++) {
                ofA += (double) as[i] * as[i];
                ofB += (double) bs[i] * bs[i];
            }
            Arrays.fill(as, row * dim, (row + 1) * dim, ofB == 0 ? 1 : (float) Math.sqrt(ofA / ofB));
        }
        return Tensor.of(a.backend(), a.shape(), as);
    }

    /** Latents {@code (batch, embedDim, h, w)} as compared with the codes, as rows; for reviving unused codes. */
    public Tensor comparedRows(Tensor z) {
        return normalized(toRows(z));
    }

    /**
     * Rewards confident assignments (low entropy of each) and even use of the codebook (high entropy of their mean).
     */
    private Tensor entropyLoss(Tensor rows, Tensor codebook) {
        int n = rows.dim(0);
        Tensor products = LinearOp.linear(rows, codebook, null); // (n, nEmbed)
        // -|z - e|^2 / T without the term of z, which softmax does not see; |e|^2 = 1 is the same for all normalised
        // codes
        Tensor affinity = scale(products, 2 / TEMPERATURE);
        if (!config.l2Norm()) {
            Tensor ones = Tensor.full(rows.backend(), Shape.of(1, config.embedDim()), 1f);
            Tensor squares = LinearOp.linear(square(codebook), ones, null).reshape(config.nEmbed());
            affinity = AddBiasOp.addBias(affinity, scale(squares, -1 / TEMPERATURE));
        }
        Tensor p = SoftmaxOp.softmax(affinity, 1f);
        Tensor sampleEntropy = scale(ReduceOp.sum(mul(p, log(affine(p, 1, 1e-30f)))), -1f / n); // 0 log 0 = 0
        Tensor average = Tensor.full(rows.backend(), Shape.of(1, 1, n), 1f / n);
        Tensor mean = MatMulOp.matmul(average, p.reshape(1, n, config.nEmbed()), false, false);
        Tensor meanEntropy = ReduceOp.sum(mul(mean, log(affine(mean, 1, 1e-5f))));
        return scale(add(sampleEntropy, meanEntropy), config.entropyLossRatio());
    }
}
