package org.aimjvm;

import java.util.List;
import org.aimjvm.tensor.Backend;
import org.aimjvm.tensor.BackendProvider;
import org.aimjvm.tensor.Backends;

/** The backends that tests run on. */
public final class TestBackends {
    private TestBackends() {}

    /**
     * Every backend available here, with two threads. The scalar one is left out of the runs at a forced SIMD
     * width, where its
     * answers are the same as in the run before.
     */
    public static List<Backend> available() {
        boolean forcedWidth = System.getProperty("aim.simd.bits") != null;
        return Backends.providers().stream()
                .filter(p -> p.availability().available() && !(forcedWidth && p.name().equals("scalar")))
                .map((BackendProvider p) -> p.open(2))
                .toList();
    }
}
