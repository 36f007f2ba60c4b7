package org.aimjvm.cpu;

import static org.aimjvm.cpu.KernelCall.sizes;

import java.util.ArrayList;
import java.util.List;
import org.aimjvm.backend.Pool2dShape;
import org.aimjvm.backend.ResizeShape;

/** Kernels of pictures: one plane, many pieces of small planes, planes of more than a piece. */
final class PictureCalls {
    private PictureCalls() {}

    static List<KernelCall> calls() {
        List<KernelCall> calls = new ArrayList<>();
        pools(calls);
        resizes(calls);
        shifts(calls);
        return calls;
    }

    private static void pools(List<KernelCall> calls) {
        // planes, height, width, kernel, stride, pad (height and width each)
        int[][] shapes = {
            {1, 1, 1, 1, 1, 1, 1, 0, 0},
            {1000, 7, 9, 2, 2, 2, 2, 0, 0},
            {130, 35, 34, 3, 3, 1, 1, 1, 1},
            {37, 73, 71, 3, 3, 2, 2, 0, 0},
            {3, 140, 150, 5, 2, 3, 1, 2, 1},
            {700, 8, 8, 8, 8, 1, 1, 0, 0},
        };
        for (int[] p : shapes) {
            Pool2dShape s = new Pool2dShape(p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8]);
            int in = s.planes() * s.height() * s.width();
            int out = s.planes() * s.outHeight() * s.outWidth();
            calls.add(KernelCall.of(
                    "maxPool2d " + s, sizes(out), sizes(in), (b, o, i) -> b.picture().maxPool2d(o[0], i[0], s)));
            calls.add(KernelCall.of(
                    "maxPool2dBackward " + s, sizes(in), sizes(out, in),
                    (b, o, i) -> b.picture().maxPool2dBackward(o[0], i[0], i[1], s)));
            for (boolean countPadding : new boolean[] {false, true}) {
                calls.add(KernelCall.of(
                        "avgPool2d " + countPadding + " " + s, sizes(out), sizes(in),
                        (b, o, i) -> b.picture().avgPool2d(o[0], i[0], s, countPadding)));
                calls.add(KernelCall.of(
                        "avgPool2dBackward " + countPadding + " " + s, sizes(in), sizes(out),
                        (b, o, i) -> b.picture().avgPool2dBackward(o[0], i[0], s, countPadding)));
            }
        }
    }

    private static void resizes(List<KernelCall> calls) {
        // planes, height, width, outHeight, outWidth
        int[][] shapes = {
            {1, 1, 1, 1, 1}, {600, 5, 7, 11, 19}, {300, 17, 33, 6, 9}, {3, 64, 64, 299, 299}, {2, 300, 200, 31, 400}};
        for (int[] p : shapes) {
            int in = p[0] * p[1] * p[2];
            int out = p[0] * p[3] * p[4];
            for (ResizeShape.Grid grid : ResizeShape.Grid.values()) {
                ResizeShape s = new ResizeShape(p[0], p[1], p[2], p[3], p[4], grid);
                calls.add(KernelCall.of(
                        "resizeBilinear " + s, sizes(out), sizes(in),
                        (b, o, i) -> b.picture().resizeBilinear(o[0], i[0], s)));
                calls.add(KernelCall.of(
                        "resizeBilinearBackward " + s, sizes(in), sizes(out),
                        (b, o, i) -> b.picture().resizeBilinearBackward(o[0], i[0], s)));
            }
            ResizeShape s = new ResizeShape(p[0], p[1], p[2], p[3], p[4], ResizeShape.Grid.CORNER);
            calls.add(KernelCall.of(
                    "resizeNearest " + s, sizes(out), sizes(in),
                    (b, o, i) -> b.picture().resizeNearest(o[0], i[0], s)));
            calls.add(KernelCall.of(
                    "resizeNearestBackward " + s, sizes(in), sizes(out),
                    (b, o, i) -> b.picture().resizeNearestBackward(o[0], i[0], s)));
        }
    }

    private static void shifts(List<KernelCall> calls) {
        // batch, channels, height, width
        for (int[] p : new int[][] {{1, 1, 1, 1}, {90, 3, 9, 21}, {5, 2, 130, 140}}) {
            int n = p[0] * p[1] * p[2] * p[3];
            for (int sign : new int[] {1, -1}) {
                calls.add(new KernelCall(
                        "shift " + sign + " " + p[0] + "x" + p[1] + "x" + p[2] + "x" + p[3], sizes(n), sizes(n),
                        2 * p[0], 30,
                        (b, o, i) -> b.picture().shift(o[0], i[0], i[1], sign, p[0], p[1], p[2], p[3])));
            }
        }
    }
}
