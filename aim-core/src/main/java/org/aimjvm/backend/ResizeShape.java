package org.aimjvm.backend;

/**
 * Sizes of a change of size of planes (batch x channels, height, width), and where an output pixel looks.
 *
 * @param planes pictures times channels
 * @param grid how positions of the output and of the input correspond
 */
public record ResizeShape(int planes, int height, int width, int outHeight, int outWidth, Grid grid) {

    /** How positions of two grids of different size correspond, computed in F32. */
    public enum Grid {
        /** {@code i * (in / out)}: corners at the upper left coincide (TensorFlow 1, align_corners = False). */
        CORNER,
        /** {@code max(0, (i + 0.5) * (in / out) - 0.5)}: the pictures' edges coincide (PyTorch, align_corners = False). */
        HALF_PIXEL
    }

    /** @throws IllegalArgumentException if a size is not positive */
    public ResizeShape {
        if (planes < 0 || height < 1 || width < 1 || outHeight < 1 || outWidth < 1) {
            throw new IllegalArgumentException("resize: " + planes + " planes of " + height + "x" + width + " to "
                    + outHeight + "x" + outWidth + " (expected positive sizes)");
        }
    }

    /**
     * The neighbours of the output's positions along one side.
     *
     * @param low position of the lower neighbour
     * @param high position of the upper one, at most the last
     * @param share of the upper neighbour, in [0, 1)
     */
    public record Neighbours(int[] low, int[] high, float[] share) {
        private static Neighbours of(int in, int out, Grid grid) {
            float scale = (float) in / out;
            int[] low = new int[out];
            int[] high = new int[out];
            float[] share = new float[out];
            for (int i = 0; i < out; i++) {
                float at = grid == Grid.CORNER ? i * scale : Math.max(0, (i + 0.5f) * scale - 0.5f);
                low[i] = Math.min((int) at, in - 1);
                high[i] = Math.min(low[i] + 1, in - 1);
                share[i] = at - low[i];
            }
            return new Neighbours(low, high, share);
        }
    }

    /** Neighbours of each output row. */
    public Neighbours rows() {
        return Neighbours.of(height, outHeight, grid);
    }

    /** Neighbours of each output column. */
    public Neighbours columns() {
        return Neighbours.of(width, outWidth, grid);
    }

    /** The input position nearest to an output position along one side: {@code floor(i * in / out)}, exactly. */
    public static int nearest(int i, int in, int out) {
        return (int) ((long) i * in / out);
    }
}
