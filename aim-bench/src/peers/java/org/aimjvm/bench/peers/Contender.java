package org.aimjvm.bench.peers;

import java.util.function.Supplier;

/** Somebody who does a piece of work. */
interface Contender extends AutoCloseable {
    /** For the table. */
    String name();

    /** Does it once, and is done when this returns. */
    void run();

    /** The result of the last {@link #run}, to be compared with the others'. */
    float[] result();

    @Override
    void close();

    /** One that holds nothing to give back. */
    static Contender of(String name, Runnable work, Supplier<float[]> result) {
        return new Contender() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public void run() {
                work.run();
            }

            @Override
            public float[] result() {
                return result.get();
            }

            @Override
            public void close() {
                // nothing is held
            }
        };
    }
}
