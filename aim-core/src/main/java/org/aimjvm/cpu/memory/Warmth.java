package org.aimjvm.cpu.memory;

import java.util.concurrent.atomic.AtomicLong;

/**
 * The warmth of this JVM: whether it has computed so much that vectors pay. Interpreted, the Vector API takes fifty
 * times as long as plain loops, and about a second of processor time goes into compiling it, which is more than a small
 * picture needs altogether. So the kernels of a decoding step use plain loops ({@code cpu.simd.ScalarTwins}, or the
 * loops for what vectors leave over) until products of {@value #BUDGET_PROPERTY} million multiply-adds are done, or a
 * large model is there: by then plain loops have cost about as much as compiling will. Both give the same bits, so the
 * change can come at any moment and in any thread.
 *
 * <p>Static, because what is warm is the JVM, not a backend.
 */
public final class Warmth {
    /** System property: millions of multiply-adds before vectors are used; 0 is from the start. */
    static final String BUDGET_PROPERTY = "aim.simd.warmup";

    /** About three pictures of the embedded model. */
    private static final long USUAL_BUDGET = 1_000;

    /** Elements of a weight matrix; AiM-B's have up to 2.6 million, those of the embedded model up to 0.44. */
    private static final int LARGE = 1 << 20;

    /**
     * What is wrong with the property, or {@code null}; {@link org.aimjvm.cpu.VectorBackendProvider} refuses to open
     * then.
     */
    public static final String PROBLEM = problem();

    private static final AtomicLong left = new AtomicLong(1_000_000 * budget());

    /** Not volatile: kernels read it in each call, and a thread that sees it late computes the same. */
    private static boolean cold = left.get() > 0;

    private Warmth() {}

    private static String problem() {
        String value = System.getProperty(BUDGET_PROPERTY);
        return value == null || value.matches("[0-9]{1,9}")
                ? null
                : BUDGET_PROPERTY + ": " + value + " (expected millions of multiply-adds, 0 to 999999999)";
    }

    private static long budget() {
        String value = System.getProperty(BUDGET_PROPERTY);
        return value == null || PROBLEM != null ? USUAL_BUDGET : Long.parseLong(value);
    }

    /** Whether plain loops are what to use. */
    public static boolean isCold() {
        return cold;
    }

    /**
     * Announces a weight matrix to decode with: with a large one vectors pay from the start, as plain loops would be a
     * detour.
     */
    static void expect(int out, int in) {
        if ((long) out * in > LARGE) {
            cold = false;
        }
    }

    /** Counts multiply-adds of a product. */
    public static void worked(long multiplyAdds) {
        if (cold && left.addAndGet(-multiplyAdds) <= 0) {
            cold = false;
        }
    }

    /** Starts anew with so many multiply-adds to do by plain loops; for tests. */
    public static void reset(long multiplyAdds) {
        left.set(multiplyAdds);
        cold = multiplyAdds > 0;
    }
}
