package org.aimjvm.data;

import java.util.Arrays;

/**
 * Which codes the encoder uses: a window of the latest 65536 choices, kept in the tokenizer's buffer
 * {@code codebook_used} as in the published checkpoints, and the step each code was last used in. The window starts as
 * zeros, so code 0 counts as used until it is full.
 */
public final class CodeUsage {
    private final int[] window;
    private final int[] lastUsed;

    /**
     * @param windowLength choices to keep
     * @param entries codes there are
     */
    public CodeUsage(int windowLength, int entries) {
        this.window = new int[windowLength];
        this.lastUsed = new int[entries];
        Arrays.fill(lastUsed, -1);
    }

    /** Records the choices of {@code step} in order, the oldest falling out. */
    public void add(int step, int[] codes) {
        for (int code : codes) {
            lastUsed[code] = step;
        }
        int count = Math.min(codes.length, window.length);
        System.arraycopy(window, count, window, 0, window.length - count);
        System.arraycopy(codes, codes.length - count, window, window.length - count, count);
    }

    /** Different codes in the window over codes there are. */
    public double usage() {
        return (double) used(window, lastUsed.length) / lastUsed.length;
    }

    /** Number of different codes. */
    static int used(int[] codes, int entries) {
        boolean[] seen = new boolean[entries];
        int used = 0;
        for (int code : codes) {
            if (!seen[code]) {
                seen[code] = true;
                used++;
            }
        }
        return used;
    }

    /** Whether {@code code} was not used in the {@code steps} steps up to {@code step}. */
    public boolean isDead(int code, int step, int steps) {
        return step - lastUsed[code] >= steps;
    }

    /** Counts {@code code} as used in {@code step}. */
    public void revived(int code, int step) {
        lastUsed[code] = step;
    }

    /** The window, oldest first, as the floats that checkpoints hold. */
    public float[] windowAsFloats() {
        float[] w = new float[window.length];
        for (int i = 0; i < w.length; i++) {
            w[i] = window[i];
        }
        return w;
    }

    /** Step of the last use by code, -1 for never; a copy. */
    public int[] lastUsed() {
        return lastUsed.clone();
    }

    /**
     * Restores {@link #windowAsFloats} and {@link #lastUsed}.
     *
     * @throws IllegalArgumentException if they are not of such a window and as many codes, or hold values that cannot
     *     be; nothing is changed then
     */
    public void restore(float[] savedWindow, int[] savedLastUsed) {
        if (savedWindow.length != window.length || savedLastUsed.length != lastUsed.length) {
            throw new IllegalArgumentException("window of " + savedWindow.length + " of " + savedLastUsed.length
                    + " codes (expected " + window.length + " of " + lastUsed.length + ")");
        }
        for (float code : savedWindow) {
            if (!(code >= 0 && code < lastUsed.length && code == (int) code)) {
                throw new IllegalArgumentException("code in the window: " + code + " (expected 0 to "
                        + (lastUsed.length - 1) + ")");
            }
        }
        for (int step : savedLastUsed) {
            if (step < -1) {
                throw new IllegalArgumentException("step of last use: " + step + " (expected at least 0, or -1)");
            }
        }
        for (int i = 0; i < window.length; i++) {
            window[i] = (int) savedWindow[i];
        }
        System.arraycopy(savedLastUsed, 0, lastUsed, 0, lastUsed.length);
    }
}
