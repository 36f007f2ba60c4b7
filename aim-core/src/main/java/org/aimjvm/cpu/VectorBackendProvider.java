package org.aimjvm.cpu;

import org.aimjvm.tensor.Backend;
import org.aimjvm.tensor.BackendException;
import org.aimjvm.tensor.BackendOptions;
import org.aimjvm.tensor.BackendProvider;

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
        try {
            Warmth.isCold(); // reads its property, as Simd does
            return new Availability(true, "Vector API, " + Simd.F.vectorBitSize() + "-bit");
        } catch (ExceptionInInitializerError e) {
            return new Availability(false, e.getCause().getMessage());
        } catch (NoClassDefFoundError e) { // what a failed initialiser leaves behind
            return new Availability(false, e.getMessage());
        }
    }

    @Override
    public Backend open(BackendOptions options) {
        options.checkForCpu(name());
        Availability a = availability();
        if (!a.available()) {
            throw new BackendException("backend vector: not available, " + a.reason());
        }
        return new VectorBackend(options.threads());
    }
}
