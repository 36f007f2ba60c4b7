package org.aimjvm;

import java.util.List;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.BackendProvider;
import org.aimjvm.backend.Backends;

/** The backends that tests run on. */
public final class TestBackends {
    private TestBackends() {}

    /** System property naming the only backend to test: modules of further backends set it. */
    private static final String ONLY = "aim.test.backends";

    /**
     * Every backend available here, with two threads, or the one that the system property {@value #ONLY} names. The
     * scalar one is left out of the runs at a forced SIMD width, where its answers are the same as in the run before.
     */
    public static List<Backend> available() {
        String only = System.getProperty(ONLY);
        boolean forcedWidth = System.getProperty("aim.simd.bits") != null;
        return Backends.providers().stream()
                .filter(p -> only == null || p.name().equals(only))
                .filter(p -> p.availability().available() && !(forcedWidth && p.name().equals("scalar")))
                .map((BackendProvider p) -> p.open(2))
                .toList();
    }
}
