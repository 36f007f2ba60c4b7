package org.aimjvm.bench.peers;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.aimjvm.backend.Shape;
import org.aimjvm.bench.peers.OnnxBytes.Attribute;
import org.aimjvm.tensor.Tensor;

/** Layers as nodes of an ONNX graph, in the forms that exporters write. A value is known by its name. */
final class OnnxLayers implements Layers<String> {
    private static final int GROUPS = 32;

    private record Size(int channels, int side) {}

    private final OnnxBytes onnx;
    private final Map<String, Tensor> weights;
    private final float eps;
    private final Map<String, Size> sizes = new HashMap<>();

    OnnxLayers(OnnxBytes onnx, Map<String, Tensor> weights, float eps, String input, int channels, int side) {
        this.onnx = onnx;
        this.weights = weights;
        this.eps = eps;
        sizes.put(input, new Size(channels, side));
    }

    private String sized(String name, int channels, int side) {
        sizes.put(name, new Size(channels, side));
        return name;
    }

    private static String[] in(String... names) {
        return names;
    }

    @Override
    public String conv(String x, String name) {
        Tensor w = weights.get(name + ".weight");
        Shape s = w.shape();
        long pad = s.dim(2) / 2;
        String weight = onnx.floats(w.toFloats(), s.dim(0), s.dim(1), s.dim(2), s.dim(3));
        String bias = onnx.floats(weights.get(name + ".bias").toFloats(), s.dim(0));
        return sized(
                onnx.node(
                        "Conv", in(x, weight, bias),
                        new Attribute("kernel_shape", new long[] {s.dim(2), s.dim(3)}),
                        new Attribute("pads", new long[] {pad, pad, pad, pad})),
                s.dim(0), sizes.get(x).side);
    }

    @Override
    public String norm(String x, String name) {
        Size s = sizes.get(x);
        float[] ones = new float[GROUPS];
        Arrays.fill(ones, 1f);
        String groups = onnx.node("Reshape", in(x, onnx.longs(1, GROUPS, -1)));
        String normed = onnx.node(
                "InstanceNormalization",
                in(groups, onnx.floats(ones, GROUPS), onnx.floats(new float[GROUPS], GROUPS)),
                new Attribute("epsilon", eps));
        String back = onnx.node("Reshape", in(normed, onnx.longs(1, s.channels, s.side, s.side)));
        String scaled = onnx.node(
                "Mul", in(back, onnx.floats(weights.get(name + ".weight").toFloats(), s.channels, 1, 1)));
        return sized(
                onnx.node("Add", in(scaled, onnx.floats(weights.get(name + ".bias").toFloats(), s.channels, 1, 1))),
                s.channels, s.side);
    }

    @Override
    public String silu(String x) {
        Size s = sizes.get(x);
        return sized(onnx.node("Mul", in(x, onnx.node("Sigmoid", in(x)))), s.channels, s.side);
    }

    @Override
    public String add(String x, String y) {
        Size s = sizes.get(x);
        return sized(onnx.node("Add", in(x, y)), s.channels, s.side);
    }

    @Override
    public String upsample(String x) {
        Size s = sizes.get(x);
        String scales = onnx.floats(new float[] {1, 1, 2, 2}, 4);
        return sized(
                onnx.node(
                        "Resize", in(x, "", scales), new Attribute("mode", "nearest"),
                        new Attribute("coordinate_transformation_mode", "asymmetric"),
                        new Attribute("nearest_mode", "floor")),
                s.channels, 2 * s.side);
    }

    @Override
    public String attend(String q, String k, String v) {
        Size s = sizes.get(q);
        String flat = onnx.longs(1, s.channels, -1);
        String queries = onnx.node("Reshape", in(q, flat));
        String keys = onnx.node("Reshape", in(k, flat));
        String values = onnx.node("Reshape", in(v, flat));
        Attribute swap = new Attribute("perm", new long[] {0, 2, 1});
        String scores = onnx.node("MatMul", in(onnx.node("Transpose", in(queries), swap), keys));
        String scaled =
                onnx.node("Mul", in(scores, onnx.floats(new float[] {(float) (1 / Math.sqrt(s.channels))}, 1)));
        String shares = onnx.node("Softmax", in(scaled), new Attribute("axis", -1));
        String mixed = onnx.node("MatMul", in(values, onnx.node("Transpose", in(shares), swap)));
        return sized(
                onnx.node("Reshape", in(mixed, onnx.longs(1, s.channels, s.side, s.side))), s.channels, s.side);
    }
}
