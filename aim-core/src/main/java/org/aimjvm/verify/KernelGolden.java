package org.aimjvm.verify;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.op.conv.Conv2dOp;
import org.aimjvm.op.conv.UpsampleOp;
import org.aimjvm.op.elementwise.ArithmeticOp;
import org.aimjvm.op.elementwise.PointwiseOp;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.op.index.EmbeddingOp;
import org.aimjvm.op.index.NearestCodeOp;
import org.aimjvm.op.norm.GatedRmsNormOp;
import org.aimjvm.op.norm.GroupNormOp;
import org.aimjvm.op.norm.L2NormalizeOp;
import org.aimjvm.op.norm.RmsNormOp;
import org.aimjvm.op.softmax.CausalAttentionOp;
import org.aimjvm.op.softmax.CrossEntropyOp;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;

/** Golden cases of single operations other than the state-space ones. */
final class KernelGolden {
    private static final double EPS = 1e-5;
    private static final float NORMALIZE_EPS = 1e-12f;

    private KernelGolden() {}

    static void addTo(Map<String, GoldenKind> kinds) {
        kinds.put("add_rmsnorm", KernelGolden::addRmsNorm);
        kinds.put("causal_attention", KernelGolden::causalAttention);
        kinds.put("conv2d", KernelGolden::conv2d);
        kinds.put("cross_entropy", KernelGolden::crossEntropy);
        kinds.put("gated_rmsnorm", KernelGolden::gatedRmsNorm);
        kinds.put("group_norm", KernelGolden::groupNorm);
        kinds.put("pointwise", KernelGolden::pointwise);
        kinds.put("upsample_conv", KernelGolden::upsampleConv);
        kinds.put("vq_nearest", KernelGolden::nearestCode);
    }

    private static void addRmsNorm(GoldenCase c, GoldenChecks checks, Backend backend) {
        float eps = (float) c.setting("eps", EPS);
        Differentiated.check(c, checks, backend, List.of("hidden", "residual", "weight"), List.of(), in -> {
            Tensor sum = ArithmeticOp.add(in.get("hidden"), in.get("residual"));
            return Map.of("residual_out", sum, "y", RmsNormOp.rmsNorm(sum, in.get("weight"), eps));
        });
    }

    private static void gatedRmsNorm(GoldenCase c, GoldenChecks checks, Backend backend) {
        float eps = (float) c.setting("eps", EPS);
        boolean normBeforeGate = c.flag("norm_before_gate", false);
        Differentiated.check(c, checks, backend, List.of("x", "z", "weight"), List.of(), in -> {
            int dim = in.get("x").dim(-1);
            int groups = dim / (int) c.setting("group_size", dim);
            return Map.of(
                    "y",
                    GatedRmsNormOp.gatedRmsNorm(
                            in.get("x"), in.get("z"), in.get("weight"), groups, normBeforeGate, eps));
        });
    }

    private static void groupNorm(GoldenCase c, GoldenChecks checks, Backend backend) {
        int groups = (int) c.setting("groups", 32);
        float eps = (float) c.setting("eps", 1e-6);
        Differentiated.check(
                c, checks, backend, List.of("x", "weight", "bias"), List.of(),
                in -> Map.of("y",
                        GroupNormOp.groupNorm(in.get("x"), in.get("weight"), in.get("bias"), groups, eps, false)));
    }

    private static void causalAttention(GoldenCase c, GoldenChecks checks, Backend backend) {
        Differentiated.check(c, checks, backend, List.of("q", "k", "v"), List.of(), in -> {
            Tensor q = in.get("q"); // (batch, L, heads, headDim)
            Tensor k = in.get("k"); // (batch, L, kvHeads, headDim)
            Tensor out = CausalAttentionOp.causalAttention(
                    flatHeads(q), flatHeads(k), flatHeads(in.get("v")), q.dim(2), k.dim(2));
            return Map.of("out", out.reshape(q.shape()));
        });
    }

    private static Tensor flatHeads(Tensor x) {
        return x.reshape(x.dim(0), x.dim(1), x.dim(2) * x.dim(3));
    }

    private static int padding(GoldenCase c, int kernel) {
        return (int) GoldenCase.find(c.name(), "_p(\\d+)", (kernel - 1) / 2);
    }

    /** Stride and padding are in the case's name: {@code _s2}, {@code _p1}, {@code _asym}; by default 1 and "same". */
    private static void conv2d(GoldenCase c, GoldenChecks checks, Backend backend) {
        boolean asymmetric = c.name().contains("asym");
        int stride = (int) GoldenCase.find(c.name(), "_s(\\d+)", asymmetric ? 2 : 1);
        Differentiated.check(c, checks, backend, List.of("x", "weight"), List.of("bias"), in -> {
            int top = asymmetric ? 0 : padding(c, in.get("weight").dim(2));
            int left = asymmetric ? 0 : padding(c, in.get("weight").dim(3));
            int more = asymmetric ? 1 : 0;
            return Map.of(
                    "y", Conv2dOp.conv2d(in.get("x"), in.get("weight"), in.get("bias"), stride, top, left, top + more,
                            left + more));
        });
    }

    private static void upsampleConv(GoldenCase c, GoldenChecks checks, Backend backend) {
        Differentiated.check(c, checks, backend, List.of("x", "weight"), List.of("bias"), in -> {
            int same = (in.get("weight").dim(2) - 1) / 2;
            Tensor up = UpsampleOp.upsampleNearest2x(in.get("x"));
            return Map.of("y", Conv2dOp.conv2d(up, in.get("weight"), in.get("bias"), 1, same, same, same, same));
        });
    }

    private static void crossEntropy(GoldenCase c, GoldenChecks checks, Backend backend) {
        if (checks.requires("targets")) {
            checks.input("targets");
            Tensor targets = c.intTensor(backend, "targets");
            Differentiated.check(
                    c, checks, backend, List.of("logits"), List.of(),
                    in -> Map.of("loss", ReduceOp.mean(CrossEntropyOp.crossEntropy(in.get("logits"), targets))));
        }
    }

    private static void pointwise(GoldenCase c, GoldenChecks checks, Backend backend) {
        if (!checks.requires("x")) {
            return;
        }
        checks.input("x");
        Map<String, UnaryOperator<Tensor>> functions = new TreeMap<>(Map.of(
                "silu", PointwiseOp::silu, "softplus", PointwiseOp::softplus, "sigmoid", PointwiseOp::sigmoid));
        functions.forEach((name, function) -> {
            try (Scope _ = Scope.training()) {
                Tensor x = c.parameter(backend, "x");
                Tensor y = function.apply(x);
                checks.array(name, y);
                checks.array("grad_" + name, ReduceOp.sum(y).backward().of(x));
            }
        });
    }

    private static void nearestCode(GoldenCase c, GoldenChecks checks, Backend backend) {
        if (!checks.requires("z", "codebook")) {
            return;
        }
        checks.input("z", "codebook");
        try (Scope _ = Scope.inference()) {
            Tensor z = L2NormalizeOp.l2Normalize(c.tensor(backend, "z"), NORMALIZE_EPS);
            Tensor codebook = L2NormalizeOp.l2Normalize(c.tensor(backend, "codebook"), NORMALIZE_EPS);
            Tensor codes = NearestCodeOp.nearestCode(z, codebook);
            checks.array("indices", codes);
            checks.array("z_q", EmbeddingOp.embedding(codebook, codes));
            checks.floats("distances", "distances", Shape.of(z.dim(0), codebook.dim(0)), squaredDistances(z, codebook));
        }
    }

    private static float[] squaredDistances(Tensor a, Tensor b) {
        float[] x = a.toFloats();
        float[] y = b.toFloats();
        int dim = a.dim(1);
        float[] distances = new float[a.dim(0) * b.dim(0)];
        for (int i = 0; i < distances.length; i++) {
            int row = i / b.dim(0);
            int entry = i % b.dim(0);
            double sum = 0;
            for (int k = 0; k < dim; k++) {
                double d = (double) x[row * dim + k] - y[entry * dim + k];
                sum += d * d;
            }
            distances[i] = (float) sum;
        }
        return distances;
    }
}
