package org.aimjvm.cpu.scalar;

import static org.aimjvm.cpu.memory.HeapStorage.floats;
import static org.aimjvm.cpu.memory.HeapStorage.ints;

import java.util.Arrays;
import org.aimjvm.backend.PictureKernels;
import org.aimjvm.backend.Pool2dShape;
import org.aimjvm.backend.ResizeShape;
import org.aimjvm.backend.Storage;

/** Reference kernels of pictures. */
public final class ScalarPictureKernels implements PictureKernels {

    @Override
    public void maxPool2d(Storage y, Storage x, Pool2dShape s) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        int at = 0;
        for (int p = 0; p < s.planes(); p++) {
            for (int i = 0; i < s.outHeight(); i++) {
                for (int j = 0; j < s.outWidth(); j++) {
                    ys[at++] = xs[greatest(xs, p, i, j, s)];
                }
            }
        }
    }

    /** Index of the first greatest element of a window, a NaN being greater than all. */
    private static int greatest(float[] xs, int plane, int i, int j, Pool2dShape s) {
        int best = -1;
        for (int r = s.firstRow(i); r < s.endRow(i); r++) {
            for (int c = s.firstColumn(j); c < s.endColumn(j); c++) {
                int at = (plane * s.height() + r) * s.width() + c;
                if (best < 0 || xs[at] > xs[best] || Float.isNaN(xs[at]) && !Float.isNaN(xs[best])) {
                    best = at;
                }
            }
        }
        return best;
    }

    @Override
    public void maxPool2dBackward(Storage dx, Storage dy, Storage x, Pool2dShape s) {
        float[] dxs = floats(dx);
        float[] dys = floats(dy);
        float[] xs = floats(x);
        Arrays.fill(dxs, 0, s.planes() * s.height() * s.width(), 0f);
        int at = 0;
        for (int p = 0; p < s.planes(); p++) {
            for (int i = 0; i < s.outHeight(); i++) {
                for (int j = 0; j < s.outWidth(); j++) {
                    dxs[greatest(xs, p, i, j, s)] += dys[at++];
                }
            }
        }
    }

    @Override
    public void avgPool2d(Storage y, Storage x, Pool2dShape s, boolean countPadding) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        int at = 0;
        for (int p = 0; p < s.planes(); p++) {
            for (int i = 0; i < s.outHeight(); i++) {
                for (int j = 0; j < s.outWidth(); j++) {
                    float sum = 0;
                    for (int c = s.firstColumn(j); c < s.endColumn(j); c++) {
                        float column = 0;
                        for (int r = s.firstRow(i); r < s.endRow(i); r++) {
                            column += xs[(p * s.height() + r) * s.width() + c];
                        }
                        sum += column;
                    }
                    ys[at++] = sum / s.divisor(i, j, countPadding);
                }
            }
        }
    }

    @Override
    public void avgPool2dBackward(Storage dx, Storage dy, Pool2dShape s, boolean countPadding) {
        float[] dxs = floats(dx);
        float[] dys = floats(dy);
        Arrays.fill(dxs, 0, s.planes() * s.height() * s.width(), 0f);
        int at = 0;
        for (int p = 0; p < s.planes(); p++) {
            for (int i = 0; i < s.outHeight(); i++) {
                for (int j = 0; j < s.outWidth(); j++) {
                    float share = dys[at++] / s.divisor(i, j, countPadding);
                    for (int r = s.firstRow(i); r < s.endRow(i); r++) {
                        for (int c = s.firstColumn(j); c < s.endColumn(j); c++) {
                            dxs[(p * s.height() + r) * s.width() + c] += share;
                        }
                    }
                }
            }
        }
    }

    @Override
    public void resizeBilinear(Storage y, Storage x, ResizeShape s) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        ResizeShape.Neighbours rows = s.rows();
        ResizeShape.Neighbours columns = s.columns();
        int at = 0;
        for (int p = 0; p < s.planes(); p++) {
            for (int i = 0; i < s.outHeight(); i++) {
                int upper = (p * s.height() + rows.low()[i]) * s.width();
                int lower = (p * s.height() + rows.high()[i]) * s.width();
                for (int j = 0; j < s.outWidth(); j++) {
                    int left = columns.low()[j];
                    int right = columns.high()[j];
                    float share = columns.share()[j];
                    float top = xs[upper + left] + (xs[upper + right] - xs[upper + left]) * share;
                    float bottom = xs[lower + left] + (xs[lower + right] - xs[lower + left]) * share;
                    ys[at++] = top + (bottom - top) * rows.share()[i];
                }
            }
        }
    }

    @Override
    public void resizeBilinearBackward(Storage dx, Storage dy, ResizeShape s) {
        float[] dys = floats(dy);
        ResizeShape.Neighbours rows = s.rows();
        ResizeShape.Neighbours columns = s.columns();
        double[] sums = new double[s.planes() * s.height() * s.width()];
        int at = 0;
        for (int p = 0; p < s.planes(); p++) {
            for (int i = 0; i < s.outHeight(); i++) {
                int upper = (p * s.height() + rows.low()[i]) * s.width();
                int lower = (p * s.height() + rows.high()[i]) * s.width();
                for (int j = 0; j < s.outWidth(); j++) {
                    float dBottom = dys[at] * rows.share()[i];
                    float dTop = dys[at++] - dBottom;
                    float share = columns.share()[j];
                    sums[upper + columns.low()[j]] += dTop * (1 - share);
                    sums[upper + columns.high()[j]] += dTop * share;
                    sums[lower + columns.low()[j]] += dBottom * (1 - share);
                    sums[lower + columns.high()[j]] += dBottom * share;
                }
            }
        }
        float[] dxs = floats(dx);
        for (int i = 0; i < sums.length; i++) {
            dxs[i] = (float) sums[i];
        }
    }

    @Override
    public void resizeNearest(Storage y, Storage x, ResizeShape s) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        int at = 0;
        for (int p = 0; p < s.planes(); p++) {
            for (int i = 0; i < s.outHeight(); i++) {
                for (int j = 0; j < s.outWidth(); j++) {
                    ys[at++] = xs[source(p, i, j, s)];
                }
            }
        }
    }

    private static int source(int plane, int i, int j, ResizeShape s) {
        return (plane * s.height() + ResizeShape.nearest(i, s.height(), s.outHeight())) * s.width()
                + ResizeShape.nearest(j, s.width(), s.outWidth());
    }

    @Override
    public void resizeNearestBackward(Storage dx, Storage dy, ResizeShape s) {
        float[] dxs = floats(dx);
        float[] dys = floats(dy);
        Arrays.fill(dxs, 0, s.planes() * s.height() * s.width(), 0f);
        int at = 0;
        for (int p = 0; p < s.planes(); p++) {
            for (int i = 0; i < s.outHeight(); i++) {
                for (int j = 0; j < s.outWidth(); j++) {
                    dxs[source(p, i, j, s)] += dys[at++];
                }
            }
        }
    }

    @Override
    public void shift(Storage y, Storage x, Storage offsets, int sign, int batch, int channels, int height, int width) {
        float[] ys = floats(y);
        float[] xs = floats(x);
        int[] by = ints(offsets);
        int at = 0;
        for (int p = 0; p < batch * channels; p++) {
            int down = sign * by[p / channels * 2];
            int right = sign * by[p / channels * 2 + 1];
            for (int i = 0; i < height; i++) {
                for (int j = 0; j < width; j++) {
                    int r = i - down;
                    int c = j - right;
                    boolean inside = r >= 0 && r < height && c >= 0 && c < width;
                    ys[at++] = inside ? xs[(p * height + r) * width + c] : 0;
                }
            }
        }
    }
}
