package org.aimjvm.sample;

/**
 * Classifier-free guidance (Ho and Salimans 2022): {@code logits = uncond + scale (cond - uncond)}, the scale going
 * linearly from {@code first} at the first token to {@code last} at the last. Scale 1 is plain conditional sampling.
 *
 * @param first scale of the first token, 0 to 1000
 * @param last scale of the last token, 0 to 1000
 */
public record Guidance(float first, float last) {
    /** No guidance: the model runs on the conditional half only. */
    public static final Guidance NONE = constant(1);
    /** Scale 4 for every token, as the published samples. */
    public static final Guidance PUBLISHED = constant(4);

    /** @throws IllegalArgumentException if a scale is out of range */
    public Guidance {
        if (!(first >= 0 && first <= 1000) || !(last >= 0 && last <= 1000)) {
            throw new IllegalArgumentException(
                    "cfg-scale: " + first + " to " + last + " (expected 0 to 1000; 1 is no guidance)");
        }
    }

    /** The same scale for every token. */
    public static Guidance constant(float scale) {
        return new Guidance(scale, scale);
    }

    /** Scale of token {@code i} of {@code count}. */
    public float scale(int i, int count) {
        return count < 2 ? first : (float) (first + ((double) last - first) * i / (count - 1));
    }

    /** Whether no token needs the unconditional half. */
    public boolean isNone() {
        return first == 1 && last == 1;
    }
}
