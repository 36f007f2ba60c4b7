package org.aimjvm.verify;

import static org.aimjvm.verify.OpCase.constant;
import static org.aimjvm.verify.OpCase.in;
import static org.aimjvm.verify.OpCase.ints;
import static org.aimjvm.verify.OpCase.x;

import java.util.ArrayList;
import java.util.List;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.ResizeShape;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.op.conv.Conv2dOp;
import org.aimjvm.op.conv.NormConv2dOp;
import org.aimjvm.op.conv.UpsampleOp;
import org.aimjvm.op.gemm.LinearCrossEntropyOp;
import org.aimjvm.op.gemm.LinearOp;
import org.aimjvm.op.index.EmbeddingOp;
import org.aimjvm.op.index.NearestCodeOp;
import org.aimjvm.op.norm.GatedRmsNormOp;
import org.aimjvm.op.norm.GroupNormOp;
import org.aimjvm.op.norm.NormedSum;
import org.aimjvm.op.norm.ResidualNormOp;
import org.aimjvm.op.norm.RmsNormOp;
import org.aimjvm.op.picture.PoolOp;
import org.aimjvm.op.picture.PoolOp.Window;
import org.aimjvm.op.picture.ResizeOp;
import org.aimjvm.op.ssm.CausalConv1dOp;
import org.aimjvm.op.ssm.GatedNormLinearOp;
import org.aimjvm.op.ssm.LinearConvOp;
import org.aimjvm.op.ssm.SsdScanOp;
import org.aimjvm.backend.SsdSettings;
import org.aimjvm.tensor.Tensor;

/**
 * Operations as AiM-B, AiM-L, AiM-XL, the tokenizer VQ-f16 and networks that judge pictures call them: all widths are
 * theirs. Rows, lengths and pictures are smaller than in training, as the scalar backend has to follow: one past a tile
 * or a chunk in training, the pair of sequences of one guided picture in decoding.
 */
final class ModelCases {
    private static final int VOCAB = 16384;
    private static final int HEAD_DIM = 64;
    private static final int D_STATE = 128;
    private static final int CONV_WIDTH = 4;
    private static final int ROWS = 65;

    private ModelCases() {}

    static List<OpCase> cases() {
        List<OpCase> cases = new ArrayList<>();
        sequence(cases, "AiM-B", 768);
        sequence(cases, "AiM-L", 1024);
        sequence(cases, "AiM-XL", 1536);
        tokenizer(cases);
        judges(cases);
        return cases;
    }

    private static void sequence(List<OpCase> cases, String model, int d) {
        int inner = 2 * d;
        int heads = inner / HEAD_DIM;
        int xbc = inner + 2 * D_STATE;
        products(cases, model, d, inner, inner + xbc + heads);
        norms(cases, model, d, inner);
        cases.add(OpCase.of(
                model + " causalConv1d 2x" + ROWS + "x" + xbc,
                xs -> CausalConv1dOp.causalConv1d(xs[0], xs[1], xs[2], null, true),
                in(-2, 2, 2, ROWS, xbc), x(xbc, CONV_WIDTH), x(xbc)));
        scans(cases, model, SsdSettings.unlimited(heads, HEAD_DIM, 1, D_STATE));
        decoding(cases, model, d, new int[] {inner, xbc, heads});
    }

    private static void products(List<OpCase> cases, String model, int d, int inner, int projected) {
        for (int[] s : new int[][] {{d, projected}, {inner, d}}) {
            cases.add(OpCase.of(
                    model + " linear " + ROWS + "x" + s[0] + " -> " + s[1], xs -> LinearOp.linear(xs[0], xs[1], null),
                    x(ROWS, s[0]), x(s[1], s[0])));
        }
        cases.add(OpCase.of(
                model + " meanCrossEntropy 17x" + d + " -> " + VOCAB,
                xs -> LinearCrossEntropyOp.meanCrossEntropy(xs[0], xs[1], xs[2]),
                x(17, d), in(-0.1, 0.1, VOCAB, d), ints(VOCAB, 17)));
        cases.add(OpCase.of(
                model + " embedding " + VOCAB + "x" + d, xs -> EmbeddingOp.embedding(xs[0], xs[1]), x(VOCAB, d),
                ints(VOCAB, 2, 33)));
    }

    private static void norms(List<OpCase> cases, String model, int d, int inner) {
        cases.add(OpCase.of(
                model + " rmsNorm " + ROWS + "x" + d, xs -> RmsNormOp.rmsNorm(xs[0], xs[1], 1e-5f),
                in(-2, 2, ROWS, d), x(d)));
        cases.add(OpCase.of(
                model + " gatedRmsNorm " + ROWS + "x" + inner,
                xs -> GatedRmsNormOp.gatedRmsNorm(xs[0], xs[1], xs[2], 1, false, 1e-5f), x(ROWS, inner),
                x(ROWS, inner), x(inner)));
        cases.add(new OpCase(
                model + " residualNorm 2x33x" + d,
                List.of(x(2, 33, d), x(2, d), x(2, 33, d), x(d), x(2, d), x(2, d)), 1e-5,
                xs -> {
                    NormedSum r = ResidualNormOp.rmsNorm(xs[0], xs[1], xs[2], xs[3], 1e-5f, xs[4], xs[5]);
                    return new Tensor[] {r.residual(), r.normed()};
                }));
    }

    private static void scans(List<OpCase> cases, String model, SsdSettings s) {
        int heads = s.heads();
        int width = heads * HEAD_DIM + 2 * D_STATE;
        String name = model + " ssdScan 2x";
        cases.add(OpCase.of(
                name + "130 heads " + heads, xs -> SsdScanOp.ssdScan(xs[0], xs[1], xs[2], xs[3], xs[4], null, s),
                x(2, 130, width), in(-3, 1, 2, 130, heads), x(heads), in(-2, 1, heads), x(heads)));
        // BF16: one in a thousand may be rounded the other way
        for (DType states : new DType[] {DType.F32, DType.BF16}) {
            cases.add(new OpCase(
                    name + "1 heads " + heads + " from " + states + " states",
                    List.of(
                            constant(-1, 1, 2, 1, width), constant(-3, 1, 2, 1, heads), constant(-1, 1, heads),
                            constant(-2, 1, heads), constant(-1, 1, heads),
                            constant(-1, 1, 2, heads, HEAD_DIM, D_STATE)),
                    states == DType.F32 ? 1e-5 : 1e-4,
                    xs -> {
                        Tensor state = Tensor.empty(xs[0].backend(), states, xs[5].shape());
                        state.write(xs[5].toFloats());
                        return new Tensor[] {SsdScanOp.ssdScan(xs[0], xs[1], xs[2], xs[3], xs[4], state, s), state};
                    }));
        }
    }

    /** One token of a guided picture, two rows, with frozen weights. */
    private static void decoding(List<OpCase> cases, String model, int d, int[] sizes) {
        int inner = sizes[0];
        int xbc = sizes[1];
        int projected = sizes[0] + sizes[1] + sizes[2];
        for (WeightFormat format : new WeightFormat[] {WeightFormat.F32, WeightFormat.BF16, WeightFormat.INT8}) {
            String of = " of " + format + " weights";
            cases.add(new OpCase(
                    model + " linearConv 2x" + d + "x" + projected + of,
                    List.of(
                            constant(-1, 1, 2, 1, d), constant(-1, 1, projected, d), constant(-1, 1, xbc, CONV_WIDTH),
                            constant(-1, 1, xbc), constant(-1, 1, 2, xbc, CONV_WIDTH)),
                    1e-5,
                    OpCase.inference(xs -> {
                        Tensor state = Tensor.of(xs[4].backend(), xs[4].shape(), xs[4].toFloats());
                        Tensor[] y = LinearConvOp.linearConv(
                                NormedSum.of(xs[0]), OpCase.onlyRead(xs[1], format), null, sizes, 1, xs[2], xs[3],
                                state,
                                true);
                        return new Tensor[] {y[0], y[1], y[2], state};
                    })));
            cases.add(new OpCase(
                    model + " gatedNormLinear 2x" + inner + "x" + d + of,
                    List.of(
                            constant(-2, 2, 2, inner), constant(-2, 2, 2, inner), constant(-1, 1, inner),
                            constant(-1, 1, d, inner)),
                    1e-5,
                    OpCase.inference(xs -> new Tensor[] {GatedNormLinearOp.gatedNormLinear(
                            xs[0], xs[1], xs[2], 1, false, 1e-5f, OpCase.onlyRead(xs[3], format), null)})));
            cases.add(new OpCase(
                    model + " logits 2x" + d + " -> " + VOCAB + of,
                    List.of(constant(-1, 1, 2, d), constant(-1, 1, VOCAB, d)), 1e-5,
                    OpCase.inference(
                            xs -> new Tensor[] {LinearOp.linear(xs[0], OpCase.onlyRead(xs[1], format), null)})));
        }
    }

    /** VQ-f16: 128 channels to 512 in five steps, a codebook of 16384 by 8. */
    private static void tokenizer(List<OpCase> cases) {
        // in, height and width, out, kernel, stride, pad before, pad after
        for (int[] s : new int[][] {{3, 32, 128, 3, 1, 1, 1}, {128, 32, 128, 3, 1, 1, 1}, {128, 33, 128, 3, 2, 0, 1},
            {128, 16, 256, 3, 1, 1, 1}, {256, 16, 512, 1, 1, 0, 0}, {512, 16, 512, 3, 1, 1, 1},
            {128, 32, 3, 3, 1, 1, 1}}) {
            cases.add(OpCase.of(
                    "VQ-f16 conv2d " + s[0] + "x" + s[1] + "x" + s[1] + " -> " + s[2] + " k" + s[3] + " s" + s[4],
                    xs -> Conv2dOp.conv2d(xs[0], xs[1], xs[2], s[4], s[5], s[5], s[6], s[6]),
                    x(1, s[0], s[1], s[1]), x(s[2], s[0], s[3], s[3]), x(s[2])));
        }
        for (int[] s : new int[][] {{128, 64}, {512, 16}}) { // channels, height and width
            int[] picture = {1, s[0], s[1], s[1]};
            String size = " " + s[0] + "x" + s[1] + "x" + s[1];
            cases.add(OpCase.of(
                    "VQ-f16 groupNorm" + size + " silu",
                    xs -> GroupNormOp.groupNorm(xs[0], xs[1], xs[2], 32, 1e-6f, true), in(-2, 3, picture), x(s[0]),
                    x(s[0])));
            cases.add(new OpCase(
                    "VQ-f16 normSiluConv2d" + size,
                    List.of(
                            constant(-2, 3, picture), constant(-1, 1, s[0]), constant(-1, 1, s[0]),
                            constant(-1, 1, s[0], s[0], 3, 3), constant(-1, 1, s[0]), constant(-1, 1, picture)),
                    1e-5,
                    OpCase.inference(xs -> new Tensor[] {NormConv2dOp.normSiluConv2d(
                            xs[0], xs[1], xs[2], 32, 1e-6f, xs[3], xs[4], 1, xs[5])})));
        }
        cases.add(OpCase.of(
                "VQ-f16 upsampleConv2d 512x16x16", xs -> UpsampleOp.upsampleConv2d(xs[0], xs[1], xs[2], 1),
                x(1, 512, 16, 16), x(512, 512, 3, 3), x(512)));
        cases.add(OpCase.of(
                "VQ-f16 nearestCode 256x8 of " + VOCAB, xs -> NearestCodeOp.nearestCode(xs[0], xs[1]),
                constant(-1, 1, 256, 8), constant(-1, 1, VOCAB, 8)));
    }

    /** What VGG16 and InceptionV3, which judge pictures, do between their convolutions. */
    private static void judges(List<OpCase> cases) {
        Window half = Window.square(2, 2, 0);
        for (int[] s : new int[][] {{64, 128, 128}, {512, 16, 16}}) {
            cases.add(OpCase.of(
                    "VGG16 maxPool2d " + s[0] + "x" + s[1] + "x" + s[2], xs -> PoolOp.maxPool2d(xs[0], half),
                    x(1, s[0], s[1], s[2])));
        }
        cases.add(OpCase.of(
                "InceptionV3 resize bilinear 3x256x256 -> 299x299",
                xs -> ResizeOp.bilinear(xs[0], 299, 299, ResizeShape.Grid.CORNER), in(0, 255, 1, 3, 256, 256)));
        cases.add(OpCase.of(
                "InceptionV3 maxPool2d 192x71x71", xs -> PoolOp.maxPool2d(xs[0], Window.square(3, 2, 0)),
                x(1, 192, 71, 71)));
        cases.add(OpCase.of(
                "InceptionV3 avgPool2d 288x35x35", xs -> PoolOp.avgPool2d(xs[0], Window.square(3, 1, 1), false),
                x(1, 288, 35, 35)));
        cases.add(OpCase.of(
                "InceptionV3 avgPool2d 2048x8x8", xs -> PoolOp.avgPool2d(xs[0], Window.square(8, 1, 0), false),
                x(2, 2048, 8, 8)));
    }
}
