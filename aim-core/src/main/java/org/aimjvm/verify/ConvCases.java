package org.aimjvm.verify;

import static org.aimjvm.verify.OpCase.x;

import java.util.ArrayList;
import java.util.List;
import org.aimjvm.op.conv.Conv2dOp;
import org.aimjvm.op.conv.NormConv2dOp;
import org.aimjvm.op.conv.UpsampleOp;

/** Convolutions of the tokenizer, of the patch discriminator and of InceptionV3, at odd and at real sizes. */
final class ConvCases {
    private ConvCases() {}

    static List<OpCase> cases() {
        List<OpCase> cases = new ArrayList<>();
        // batch, in, height, width, out, kernel, stride, pad before, pad after
        int[][] shapes = {
            {1, 1, 1, 1, 1, 1, 1, 0, 0},
            {2, 3, 5, 7, 4, 1, 1, 0, 0},
            {2, 3, 5, 7, 5, 3, 1, 1, 1},
            {1, 17, 8, 9, 33, 3, 1, 1, 1},
            {2, 5, 7, 10, 3, 3, 2, 0, 1},
            {2, 4, 9, 6, 6, 4, 2, 1, 1},
            {2, 4, 5, 6, 3, 4, 1, 1, 1},
            {3, 32, 8, 8, 32, 3, 1, 1, 1},
            {1, 32, 16, 16, 64, 3, 2, 0, 1},
        };
        for (int[] s : shapes) {
            String name =
                    "conv2d " + s[0] + "x" + s[1] + "x" + s[2] + "x" + s[3] + " -> " + s[4] + " k" + s[5] + " s" + s[6];
            cases.add(OpCase.of(
                    name,
                    xs -> Conv2dOp.conv2d(xs[0], xs[1], xs[2], s[6], s[7], s[7], s[8], s[8]),
                    x(s[0], s[1], s[2], s[3]),
                    x(s[4], s[1], s[5], s[5]),
                    x(s[4])));
        }
        // batch, in, height, width, out, kernel height and width, each padded to keep the size: InceptionV3's
        for (int[] s : new int[][] {
            {2, 3, 5, 9, 4, 1, 7}, {2, 3, 9, 5, 4, 7, 1}, {1, 33, 6, 8, 17, 1, 7}, {1, 33, 8, 6, 17, 7, 1},
            {2, 20, 17, 17, 36, 1, 7}, {2, 20, 17, 17, 36, 7, 1}, {2, 9, 8, 8, 12, 1, 3}, {2, 9, 8, 8, 12, 3, 1},
            {1, 3, 2, 2, 3, 1, 7}, {1, 3, 2, 2, 3, 7, 1}}) {
            int top = s[5] / 2;
            int left = s[6] / 2;
            cases.add(OpCase.of(
                    "conv2d " + s[0] + "x" + s[1] + "x" + s[2] + "x" + s[3] + " -> " + s[4] + " k" + s[5] + "x" + s[6],
                    xs -> Conv2dOp.conv2d(xs[0], xs[1], xs[2], 1, top, left, top, left),
                    x(s[0], s[1], s[2], s[3]),
                    x(s[4], s[1], s[5], s[6]),
                    x(s[4])));
        }
        cases.add(OpCase.of(
                "conv2d without bias", xs -> Conv2dOp.conv2d(xs[0], xs[1], null, 1, 1, 1, 1, 1), x(2, 3, 6, 5),
                x(4, 3, 3, 3)));
        // batch, in, height, width, out, groups: with few channels directly, else by Winograd's algorithm
        for (int[] s : new int[][] {{2, 3, 5, 7, 4, 3}, {1, 8, 6, 9, 5, 2}, {2, 12, 19, 13, 12, 4}}) {
            String size = " " + s[0] + "x" + s[1] + "x" + s[2] + "x" + s[3] + " -> " + s[4];
            cases.add(OpCase.of(
                    "norm silu conv2d" + size,
                    xs -> NormConv2dOp.normSiluConv2d(xs[0], xs[1], xs[2], s[5], 1e-6f, xs[3], xs[4], 1, xs[5]),
                    x(s[0], s[1], s[2], s[3]),
                    x(s[1]),
                    x(s[1]),
                    x(s[4], s[1], 3, 3),
                    x(s[4]),
                    x(s[0], s[4], s[2], s[3])));
            cases.add(OpCase.of(
                    "upsample conv2d" + size,
                    xs -> UpsampleOp.upsampleConv2d(xs[0], xs[1], xs[2], 1),
                    x(s[0], s[1], s[2], s[3]),
                    x(s[4], s[1], 3, 3),
                    x(s[4])));
        }
        cases.add(OpCase.of("upsample 2x3x5x7", xs -> UpsampleOp.upsampleNearest2x(xs[0]), x(2, 3, 5, 7)));
        return cases;
    }
}
