package org.aimjvm.verify;

import static org.aimjvm.verify.OpCase.ints;
import static org.aimjvm.verify.OpCase.x;

import java.util.ArrayList;
import java.util.List;
import org.aimjvm.backend.ResizeShape.Grid;
import org.aimjvm.backend.Shape;
import org.aimjvm.op.picture.PoolOp;
import org.aimjvm.op.picture.PoolOp.Window;
import org.aimjvm.op.picture.ResizeOp;
import org.aimjvm.op.picture.ShiftOp;
import org.aimjvm.tensor.Tensor;

/** Pooling, resizing and moving, with windows that overlap, have gaps, or reach over the edge. */
final class PictureCases {
    private static final Window[] WINDOWS = {
        Window.square(1, 1, 0),
        Window.square(2, 2, 0),
        Window.square(3, 1, 1),
        Window.square(3, 2, 0),
        Window.square(2, 3, 1),
        new Window(1, 3, 1, 2, 0, 1),
        new Window(5, 4, 2, 1, 2, 2),
    };

    private PictureCases() {}

    static List<OpCase> cases() {
        List<OpCase> cases = new ArrayList<>();
        for (Window w : WINDOWS) {
            for (int[] s : new int[][] {{1, 1, 5, 4}, {2, 3, 9, 21}}) {
                String name = " " + s[0] + "x" + s[1] + "x" + s[2] + "x" + s[3] + " k" + w.height() + "x" + w.width()
                        + " s" + w.strideHeight() + "x" + w.strideWidth() + " p" + w.padHeight() + "x" + w.padWidth();
                cases.add(OpCase.of("maxPool2d" + name, xs -> PoolOp.maxPool2d(xs[0], w), x(s)));
                cases.add(OpCase.of("avgPool2d" + name, xs -> PoolOp.avgPool2d(xs[0], w, false), x(s)));
                cases.add(OpCase.of(
                        "avgPool2d with padding" + name, xs -> PoolOp.avgPool2d(xs[0], w, true), x(s)));
            }
        }
        for (int[] s : new int[][] {{1, 1, 1, 1, 3, 4}, {2, 3, 5, 7, 11, 19}, {1, 2, 16, 20, 7, 9},
            {2, 1, 9, 33, 9, 33}}) {
            int[] in = {s[0], s[1], s[2], s[3]};
            String name = " " + s[0] + "x" + s[1] + "x" + s[2] + "x" + s[3] + " -> " + s[4] + "x" + s[5];
            for (Grid grid : Grid.values()) {
                cases.add(OpCase.of(
                        "resize bilinear " + grid + name, xs -> ResizeOp.bilinear(xs[0], s[4], s[5], grid), x(in)));
            }
            cases.add(OpCase.of("resize nearest" + name, xs -> ResizeOp.nearest(xs[0], s[4], s[5]), x(in)));
        }
        cases.add(OpCase.of("shift 3x2x5x19", xs -> ShiftOp.shift(xs[0], xs[1]), x(3, 2, 5, 19), ints(7, 3, 2)));
        cases.add(OpCase.of(
                "shift 4x3x6x17 up and left",
                xs -> ShiftOp.shift(xs[0],
                        Tensor.ofInts(xs[0].backend(), Shape.of(4, 2), -1, -2, 2, -16, -5, 3, 0, 17)),
                x(4, 3, 6, 17)));
        return cases;
    }
}
