package org.aimjvm.cli.command;

import java.util.Locale;
import org.aimjvm.backend.Backend;
import org.aimjvm.vq.VqConfig;

/**
 * How large a picture a tokenizer can take: no tensor may have more elements than an array, and what must be in memory
 * at the same time must fit.
 *
 * <p>The largest tensors are those at the full size, {@code ch mult H W}, of which a layer holds two. Attention works
 * in blocks and takes no more ({@link org.aimjvm.vq.AttnBlock}).
 *
 * @param config of the tokenizer
 * @param memory bytes there are; {@link Long#MAX_VALUE} if that is not known
 */
record ReconstructLimits(VqConfig config, long memory) {
    private static final long MAX_ELEMENTS = Integer.MAX_VALUE - 8;

    /** The limits on a backend: the heap of the JVM where it computes in that. */
    static ReconstructLimits of(VqConfig config, Backend backend) {
        boolean inHeap = backend.name().equals("scalar") || backend.name().equals("vector");
        return new ReconstructLimits(config, inHeap ? Runtime.getRuntime().maxMemory() : Long.MAX_VALUE);
    }

    /** What is wrong with a picture of that size, after its name and a colon; {@code null} if nothing. */
    String problem(int width, int height) {
        if (fits(width, height)) {
            return null;
        }
        int f = config.downsampling();
        int side = Math.min(width, height) / f * f;
        while (side > f && !fits(side, side)) {
            side -= f;
        }
        String expected = elements(width, height) > MAX_ELEMENTS
                ? "more than this tokenizer can take at a time"
                : String.format(Locale.ROOT, "which take at least %,d MiB of %,d MiB", bytes(width, height) >> 20,
                        memory >> 20);
        return width + " x " + height + " pixels, " + expected + " (cure: --size " + side + " or less"
                + (bytes(width, height) > memory ? ", or AIM_JAVA_OPTS=-Xmx with a larger size)" : ")");
    }

    private boolean fits(int width, int height) {
        return elements(width, height) <= MAX_ELEMENTS && bytes(width, height) <= memory;
    }

    /** Bytes of the two largest tensors that are there at the same time. */
    private long bytes(int width, int height) {
        return 2 * Float.BYTES * elements(width, height);
    }

    /** Elements of the largest tensor. */
    private long elements(int width, int height) {
        long largest = 0;
        int levels = config.chMult().size();
        for (int i = 0; i < levels; i++) {
            // Of the level below, too: the decoder enlarges a level's output before its channels become fewer.
            int mult = Math.max(config.chMult().get(i), config.chMult().get(Math.min(i + 1, levels - 1)));
            largest = Math.max(largest, (long) config.ch() * mult * (width >> i) * (height >> i));
        }
        return largest;
    }
}
