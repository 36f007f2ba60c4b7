package org.aimjvm.verify;

import static org.aimjvm.verify.OpCase.in;
import static org.aimjvm.verify.OpCase.ints;
import static org.aimjvm.verify.OpCase.x;

import java.util.ArrayList;
import java.util.List;
import org.aimjvm.op.elementwise.AddBiasOp;
import org.aimjvm.op.elementwise.ArithmeticOp;
import org.aimjvm.op.elementwise.DropoutOp;
import org.aimjvm.op.elementwise.ModulateOp;
import org.aimjvm.op.elementwise.PointwiseOp;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.op.elementwise.SplitOp;
import org.aimjvm.op.elementwise.TransposeOp;
import org.aimjvm.op.index.EmbeddingOp;
import org.aimjvm.op.index.NearestCodeOp;
import org.aimjvm.tensor.Tensor;

/** Pointwise functions, arithmetic, broadcasts, reductions, splits and index operations. */
final class ElementwiseCases {
    private ElementwiseCases() {}

    static List<OpCase> cases() {
        List<OpCase> cases = new ArrayList<>();
        for (int n : new int[] {1, 17, 101}) {
            cases.add(OpCase.of("silu " + n, xs -> PointwiseOp.silu(xs[0]), in(-8, 8, n)));
            cases.add(OpCase.of("sigmoid " + n, xs -> PointwiseOp.sigmoid(xs[0]), in(-8, 8, n)));
            cases.add(OpCase.of("softplus " + n, xs -> PointwiseOp.softplus(xs[0]), in(-8, 18, n)));
            cases.add(OpCase.of("exp " + n, xs -> PointwiseOp.exp(xs[0]), in(-3, 3, n)));
            cases.add(OpCase.of("log " + n, xs -> PointwiseOp.log(xs[0]), in(0.5, 4, n)));
            cases.add(OpCase.of("addBias 3x" + n, xs -> AddBiasOp.addBias(xs[0], xs[1]), x(3, n), x(n)));
            cases.add(OpCase.of("relu " + n, xs -> PointwiseOp.relu(xs[0]), in(0.1, 2, n)));
            cases.add(OpCase.of(
                    "leakyRelu " + n, xs -> PointwiseOp.leakyRelu(xs[0], 0.2f),
                    in(n == 17 ? -2 : 0.1, n == 17 ? -0.1 : 2, n)));
            cases.add(OpCase.of("abs " + n, xs -> PointwiseOp.abs(xs[0]), in(-2, -0.1, n)));
            cases.add(OpCase.of("square " + n, xs -> PointwiseOp.square(xs[0]), x(n)));
            cases.add(OpCase.of("add " + n, xs -> ArithmeticOp.add(xs[0], xs[1]), x(n), x(n)));
            cases.add(OpCase.of("sub " + n, xs -> ArithmeticOp.sub(xs[0], xs[1]), x(n), x(n)));
            cases.add(OpCase.of("mul " + n, xs -> ArithmeticOp.mul(xs[0], xs[1]), x(n), x(n)));
            cases.add(OpCase.of("scale " + n, xs -> ArithmeticOp.scale(xs[0], -1.5f), x(n)));
            cases.add(OpCase.of("affine " + n, xs -> ArithmeticOp.affine(xs[0], 1.5f, -0.25f), x(n)));
            cases.add(OpCase.of("sum " + n, xs -> ReduceOp.sum(xs[0]), x(n)));
            cases.add(OpCase.of("mean " + n, xs -> ReduceOp.mean(xs[0]), x(n)));
            cases.add(OpCase.of("dropout " + n, xs -> DropoutOp.dropout(xs[0], 0.3f, 7), x(n)));
            cases.add(OpCase.of("modulate 2x3x" + n, xs -> ModulateOp.modulate(xs[0], xs[1], xs[2]), x(2, 3, n), x(2,
                    n), x(2, n)));
            cases.add(OpCase.of("gate 2x3x" + n, xs -> ModulateOp.gate(xs[0], xs[1]), x(2, 3, n), x(2, n)));
            cases.add(OpCase.of("transpose 2x5x" + n, xs -> TransposeOp.transpose(xs[0]), x(2, 5, n)));
            cases.add(OpCase.of("embedding 9x" + n, xs -> EmbeddingOp.embedding(xs[0], xs[1]), x(9, n), ints(9, 2, 3)));
            cases.add(new OpCase(
                    "split 3x" + (n + 3),
                    List.of(x(3, n + 3)),
                    0,
                    xs -> SplitOp.split(xs[0], 1, n, 2)));
            cases.add(OpCase.of("concat 3x" + (n + 2), xs -> SplitOp.concat(xs), x(3, n), x(3, 2)));
            cases.add(OpCase.of(
                    "nearestCode " + n + "x8",
                    xs -> NearestCodeOp.nearestCode(xs[0], xs[1]),
                    OpCase.constant(-1, 1, n, 8),
                    OpCase.constant(-1, 1, 37, 8)));
        }
        cases.add(OpCase.of(
                "reused input",
                xs -> {
                    Tensor square = ArithmeticOp.mul(xs[0], xs[0]);
                    return ArithmeticOp.add(square, ArithmeticOp.add(xs[0], square).reshape(3, 7));
                },
                x(3, 7)));
        return cases;
    }
}
