package org.aimjvm.cpu.scalar;

import static org.aimjvm.cpu.memory.HeapStorage.floats;
import static org.aimjvm.cpu.memory.HeapStorage.floatsOrNull;

import java.util.Arrays;
import org.aimjvm.backend.Conv2dShape;
import org.aimjvm.backend.ConvKernels;
import org.aimjvm.backend.NormKernels;
import org.aimjvm.backend.Storage;
import org.aimjvm.cpu.memory.HeapStorage;

/** Reference convolutions: the sums as they are defined. */
public final class ScalarConvKernels implements ConvKernels {

    @Override
    public void conv2d(Storage y, Storage x, Storage w, Storage bias, Conv2dShape s) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        float[] ws = floats(w);
        float[] bs = floatsOrNull(bias);
        int at = 0;
        for (int n = 0; n < s.batch(); n++) {
            for (int o = 0; o < s.outChannels(); o++) {
                for (int i = 0; i < s.outHeight(); i++) {
                    for (int j = 0; j < s.outWidth(); j++) {
                        double sum = bs == null ? 0 : bs[o];
                        for (int c = 0; c < s.inChannels(); c++) {
                            for (int u = 0; u < s.kernelHeight(); u++) {
                                for (int v = 0; v < s.kernelWidth(); v++) {
                                    int px = pixel(s, n, c, i, j, u, v);
                                    if (px >= 0) {
                                        sum += (double) ws[tap(s, o, c, u, v)] * xs[px];
                                    }
                                }
                            }
                        }
                        ys[at++] = (float) sum;
                    }
                }
            }
        }
    }

    @Override
    public void normSiluConv2d(
            Storage y, Storage x, Norm norm, Storage w, Storage bias, Storage residual, Conv2dShape s) {
        int area = s.inHeight() * s.inWidth();
        float[] normalized = new float[s.batch() * s.inChannels() * area];
        ScalarNormKernels.normalize(
                normalized, floats(norm.stats()), floats(x), floats(norm.weight()), floats(norm.bias()),
                new NormKernels.GroupShape(s.batch(), s.inChannels(), area, norm.groups()), true);
        conv2d(y, new HeapStorage(normalized), w, bias, s);
        if (residual != null) {
            float[] ys = floats(y);
            float[] rs = floats(residual);
            int n = s.batch() * s.outChannels() * s.outHeight() * s.outWidth();
            for (int i = 0; i < n; i++) {
                ys[i] = rs[i] + ys[i];
            }
        }
    }

    @Override
    public void upsampleConv2d(Storage y, Storage x, Storage w, Storage bias, Conv2dShape s) {
        int planes = s.batch() * s.inChannels();
        HeapStorage doubled = new HeapStorage(new float[planes * s.inHeight() * s.inWidth()]);
        upsampleNearest2x(doubled, x, planes, s.inHeight() / 2, s.inWidth() / 2);
        conv2d(y, doubled, w, bias, s);
    }

    @Override
    public void conv2dBackwardInput(Storage dx, Storage dy, Storage w, Conv2dShape s) {
        float[] dxs = floats(dx);
        float[] dys = floats(dy);
        float[] ws = floats(w);
        Arrays.fill(dxs, 0, s.batch() * s.inChannels() * s.inHeight() * s.inWidth(), 0f);
        int at = 0;
        for (int n = 0; n < s.batch(); n++) {
            for (int o = 0; o < s.outChannels(); o++) {
                for (int i = 0; i < s.outHeight(); i++) {
                    for (int j = 0; j < s.outWidth(); j++) {
                        float g = dys[at++];
                        for (int c = 0; c < s.inChannels(); c++) {
                            for (int u = 0; u < s.kernelHeight(); u++) {
                                for (int v = 0; v < s.kernelWidth(); v++) {
                                    int px = pixel(s, n, c, i, j, u, v);
                                    if (px >= 0) {
                                        dxs[px] += ws[tap(s, o, c, u, v)] * g;
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    @Override
    public void conv2dBackwardWeight(Storage dw, Storage dBias, Storage dy, Storage x, Conv2dShape s) {
        float[] dws = floats(dw);
        float[] dbs = floatsOrNull(dBias);
        float[] dys = floats(dy);
        float[] xs = floats(x);
        int area = s.outHeight() * s.outWidth();
        for (int o = 0; o < s.outChannels(); o++) {
            double biasSum = 0;
            for (int c = 0; c < s.inChannels(); c++) {
                for (int u = 0; u < s.kernelHeight(); u++) {
                    for (int v = 0; v < s.kernelWidth(); v++) {
                        double sum = 0;
                        for (int n = 0; n < s.batch(); n++) {
                            for (int i = 0; i < s.outHeight(); i++) {
                                for (int j = 0; j < s.outWidth(); j++) {
                                    int px = pixel(s, n, c, i, j, u, v);
                                    if (px >= 0) {
                                        int out = (n * s.outChannels() + o) * area + i * s.outWidth() + j;
                                        sum += (double) dys[out] * xs[px];
                                    }
                                }
                            }
                        }
                        dws[tap(s, o, c, u, v)] = (float) sum;
                    }
                }
            }
            for (int n = 0; n < s.batch(); n++) {
                for (int p = 0; p < area; p++) {
                    biasSum += dys[(n * s.outChannels() + o) * area + p];
                }
            }
            if (dbs != null) {
                dbs[o] = (float) biasSum;
            }
        }
    }

    /** Index in x of the pixel under tap (u, v) of output (i, j), or -1 in the padding. */
    private static int pixel(Conv2dShape s, int n, int c, int i, int j, int u, int v) {
        int row = i * s.stride() + u - s.padTop();
        int col = j * s.stride() + v - s.padLeft();
        if (row < 0 || row >= s.inHeight() || col < 0 || col >= s.inWidth()) {
            return -1;
        }
        return ((n * s.inChannels() + c) * s.inHeight() + row) * s.inWidth() + col;
    }

    private static int tap(Conv2dShape s, int o, int c, int u, int v) {
        return ((o * s.inChannels() + c) * s.kernelHeight() + u) * s.kernelWidth() + v;
    }

    @Override
    public void upsampleNearest2x(Storage y, Storage x, int planes, int height, int width) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        for (int p = 0; p < planes; p++) {
            for (int i = 0; i < 2 * height; i++) {
                for (int j = 0; j < 2 * width; j++) {
                    ys[(p * 2 * height + i) * 2 * width + j] = xs[(p * height + i / 2) * width + j / 2];
                }
            }
        }
    }

    @Override
    public void upsampleNearest2xBackward(Storage dx, Storage dy, int planes, int height, int width) {
        float[] dxs = floats(dx);
        float[] dys = floats(dy);
        for (int p = 0; p < planes; p++) {
            for (int i = 0; i < height; i++) {
                for (int j = 0; j < width; j++) {
                    int top = (p * 2 * height + 2 * i) * 2 * width + 2 * j;
                    int bottom = top + 2 * width;
                    dxs[(p * height + i) * width + j] = dys[top] + dys[top + 1] + dys[bottom] + dys[bottom + 1];
                }
            }
        }
    }
}
