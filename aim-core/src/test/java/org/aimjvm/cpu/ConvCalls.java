package org.aimjvm.cpu;

import static org.aimjvm.cpu.KernelCall.sizes;

import java.util.ArrayList;
import java.util.List;
import org.aimjvm.backend.Conv2dShape;
import org.aimjvm.backend.Conv2dShape.Padding;
import org.aimjvm.backend.ConvKernels.Norm;

/**
 * Convolutions at awkward sizes and at sizes of many pieces; those of kernel 3 and stride 1 by Winograd's algorithm or
 * not.
 */
final class ConvCalls {
    private ConvCalls() {}

    static List<KernelCall> calls() {
        List<KernelCall> calls = new ArrayList<>();
        // batch, in, height, width, out, kernel, stride, pad before, pad after, groups
        int[][] shapes = {
            {1, 1, 1, 1, 1, 3, 1, 1, 1, 1},
            {2, 3, 5, 7, 4, 1, 1, 0, 0, 3},
            {2, 3, 6, 10, 5, 3, 1, 1, 1, 1},
            {2, 8, 2, 2, 3, 3, 1, 1, 1, 2},
            {1, 8, 1, 64, 4, 3, 1, 1, 1, 2},
            {1, 9, 14, 10, 3, 3, 1, 1, 1, 3},
            {3, 16, 8, 8, 17, 3, 1, 1, 1, 4},
            {1, 17, 34, 38, 33, 3, 1, 1, 1, 1},
            {2, 8, 46, 138, 11, 3, 1, 1, 1, 8},
            {9, 12, 12, 20, 9, 3, 1, 0, 0, 2},
            {2, 12, 12, 20, 7, 3, 1, 0, 2, 2},
            {1, 32, 16, 16, 40, 3, 2, 0, 1, 4},
            {2, 4, 9, 6, 6, 4, 2, 1, 1, 2},
            {9, 128, 5, 5, 80, 4, 1, 1, 1, 4}, // large filters for few pixels
            {2, 70, 44, 46, 3, 3, 1, 1, 1, 2}, // many channels, pictures in several pieces
            {2, 3, 100, 110, 2, 3, 1, 1, 1, 1}, // few channels
            {3, 18, 37, 50, 6, 3, 1, 1, 1, 1}, // gradient of few filters, pictures in several pieces
            {9, 48, 5, 7, 5, 3, 1, 2, 1, 2},
            {5, 13, 3, 3, 4, 3, 1, 0, 0, 1},
        };
        for (int[] p : shapes) {
            add(calls, new Conv2dShape(
                    p[0], p[1], p[2], p[3], p[4], p[5], p[5], p[6], new Padding(p[7], p[7], p[8], p[8])), p[9]);
        }
        add(calls, new Conv2dShape(2, 3, 6, 10, 5, 1, 7, 1, new Padding(0, 3, 0, 3)), 3);
        add(calls, new Conv2dShape(2, 3, 10, 6, 5, 7, 1, 1, new Padding(3, 0, 3, 0)), 3);
        add(calls, new Conv2dShape(2, 36, 17, 17, 20, 1, 7, 1, new Padding(0, 3, 0, 3)), 4);
        add(calls, new Conv2dShape(2, 36, 17, 17, 20, 7, 1, 1, new Padding(3, 0, 3, 0)), 4);
        return calls;
    }

    private static void add(List<KernelCall> calls, Conv2dShape s, int groups) {
        int in = s.batch() * s.inChannels() * s.inHeight() * s.inWidth();
        int out = s.batch() * s.outChannels() * s.outHeight() * s.outWidth();
        int weights = s.outChannels() * s.filterSize();
        int channels = s.inChannels();
        int stats = 2 * s.batch() * groups;
        String size = " " + s;
        calls.add(KernelCall.of(
                "conv2d" + size, sizes(out), sizes(in, weights, s.outChannels()),
                (b, o, i) -> b.conv().conv2d(o[0], i[0], i[1], i[2], s)));
        calls.add(KernelCall.of(
                "conv2d without bias" + size, sizes(out), sizes(in, weights),
                (b, o, i) -> b.conv().conv2d(o[0], i[0], i[1], null, s)));
        calls.add(KernelCall.of(
                "conv2dBackwardInput" + size, sizes(in), sizes(out, weights),
                (b, o, i) -> b.conv().conv2dBackwardInput(o[0], i[0], i[1], s)));
        calls.add(KernelCall.of(
                "conv2dBackwardWeight" + size, sizes(weights, s.outChannels()), sizes(out, in),
                (b, o, i) -> b.conv().conv2dBackwardWeight(o[0], o[1], i[0], i[1], s)));
        calls.add(KernelCall.of(
                "normSiluConv2d" + size, sizes(out), sizes(in, stats, channels, channels, weights, s.outChannels()),
                (b, o, i) -> b.conv()
                        .normSiluConv2d(o[0], i[0], new Norm(i[1], i[2], i[3], groups), i[4], i[5], null, s)));
        calls.add(KernelCall.of(
                "normSiluConv2d with residual" + size, sizes(out),
                sizes(in, stats, channels, channels, weights, out),
                (b, o, i) -> b.conv()
                        .normSiluConv2d(o[0], i[0], new Norm(i[1], i[2], i[3], groups), i[4], null, i[5], s)));
        if (s.inHeight() % 2 == 0 && s.inWidth() % 2 == 0) {
            calls.add(KernelCall.of(
                    "upsampleConv2d" + size, sizes(out), sizes(in / 4, weights, s.outChannels()),
                    (b, o, i) -> b.conv().upsampleConv2d(o[0], i[0], i[1], i[2], s)));
        }
    }
}
