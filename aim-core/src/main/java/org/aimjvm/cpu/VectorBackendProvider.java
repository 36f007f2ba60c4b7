package org.aimjvm.cpu;

import org.aimjvm.backend.Backend;
import org.aimjvm.backend.BackendException;
import org.aimjvm.backend.BackendOptions;
import org.aimjvm.backend.BackendProvider;
import org.aimjvm.cpu.memory.Warmth;
import org.aimjvm.cpu.simd.Simd;

/** Provides {@link VectorBackend} where the incubator module is resolved; loads no class of it otherwise. */
public final class VectorBackendProvider implements BackendProvider {
    private static final String MODULE = "jdk.incubator.vector";

    @Override
    public String name() {
        return "vector";
    }

    @Override
    public int priority() {
        return 10;
    }

    @Override
    public Availability availability() {
        if (ModuleLayer.boot().findModule(MODULE).isEmpty()) {
            return new Availability(false, "the module " + MODULE + " is not resolved; start java with --add-modules="
                    + MODULE);
        }
        String problem = problem();
        return new Availability(true, problem != null ? problem : "Vector API, " + Simd.F.vectorBitSize() + "-bit");
    }

    /**
     * What is wrong with a system property: an error of the user's, and no reason to take a slower backend silently.
     */
    private static String problem() {
        return Simd.PROBLEM != null ? Simd.PROBLEM : Warmth.PROBLEM;
    }

    @Override
    public Backend open(BackendOptions options) {
        options.checkForCpu(name());
        Availability a = availability();
        if (!a.available()) {
            throw new BackendException("backend vector: not available, " + a.reason());
        }
        if (problem() != null) {
            throw new BackendException(problem());
        }
        return new VectorBackend(options.threads());
    }
}
