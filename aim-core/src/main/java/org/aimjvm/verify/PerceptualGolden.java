package org.aimjvm.verify;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.feature.Lpips;
import org.aimjvm.feature.Vgg16;
import org.aimjvm.nn.Params;
import org.aimjvm.op.elementwise.ArithmeticOp;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;

/** Golden data of the perceptual distance: its heads on given features, and the whole with VGG16. */
final class PerceptualGolden {
    private static final int LEVELS = 5;

    private PerceptualGolden() {}

    /** Scaling, levels and their sum from given features. */
    static void heads(GoldenCase c, GoldenChecks checks, Backend backend) {
        if (!checks.requires("scaling_in")) {
            return;
        }
        checks.input("scaling_in");
        try (Scope _ = Scope.inference()) {
            checks.array("scaling_out", Vgg16.scaled(c.tensor(backend, "scaling_in")));
            Tensor sum = null;
            for (int k = 0; k < LEVELS; k++) {
                if (!checks.requires("feat0_" + k, "feat1_" + k, "lin_" + k)) {
                    return;
                }
                checks.input("feat0_" + k, "feat1_" + k, "lin_" + k);
                Tensor head = c.tensor(backend, "lin_" + k);
                Tensor level = Lpips.level(
                        c.tensor(backend, "feat0_" + k), c.tensor(backend, "feat1_" + k),
                        head.reshape(1, head.size()));
                checks.array("level_" + k, level.reshape(level.size(), 1, 1, 1));
                sum = sum == null ? level : ArithmeticOp.add(sum, level);
            }
            checks.array("distance", sum.reshape(sum.size(), 1, 1, 1));
        }
    }

    /** Distances of pairs of pictures and their gradient, with procedural weights. */
    static void whole(GoldenCase c, GoldenChecks checks, Backend backend) {
        if (!checks.requires("a", "b")) {
            return;
        }
        checks.input("a", "b");
        Params listed = Params.shapesOnly();
        new Lpips(new Vgg16(listed, Vgg16.WIDTH), listed, "");
        Map<String, Shape> shapes = new LinkedHashMap<>();
        listed.all().forEach((name, t) -> shapes.put(name, t.shape()));
        Params params = Params.fitting(backend, new ProceduralWeights((long) c.setting("seed", 0), shapes));
        Params heads = Params.fitting(backend, new ProceduralWeights((long) c.setting("seed", 0), shapes));
        new Vgg16(params, Vgg16.WIDTH);
        Vgg16 network = new Vgg16(Params.constants(params), Vgg16.WIDTH);
        Lpips lpips = new Lpips(network, heads, "procedural");
        try (Scope _ = Scope.training()) {
            Tensor a = c.parameter(backend, "a");
            Tensor b = c.tensor(backend, "b");
            Tensor distance = lpips.distance(a, b);
            checks.array("distance", distance);
            checks.array("grad_a", ReduceOp.mean(distance).backward(List.of(a)).of(a));
            List<Tensor> of = network.levels(a);
            List<Tensor> others = network.levels(b);
            float[] levels = new float[a.dim(0) * LEVELS];
            for (int k = 0; k < LEVELS; k++) {
                float[] level = Lpips.level(of.get(k), others.get(k), lpips.head(k)).toFloats();
                for (int n = 0; n < level.length; n++) {
                    levels[n * LEVELS + k] = level[n];
                }
            }
            checks.floats("levels", "levels", Shape.of(a.dim(0), LEVELS), levels);
        }
    }
}
