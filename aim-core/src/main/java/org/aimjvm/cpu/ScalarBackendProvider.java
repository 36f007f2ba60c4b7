package org.aimjvm.cpu;

import org.aimjvm.backend.Backend;
import org.aimjvm.backend.BackendOptions;
import org.aimjvm.backend.BackendProvider;

/** Provides {@link ScalarBackend}; always available. */
public final class ScalarBackendProvider implements BackendProvider {
    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public int priority() {
        return 0;
    }

    @Override
    public Availability availability() {
        return new Availability(true, "plain loops, 1 thread");
    }

    @Override
    public Backend open(BackendOptions options) {
        options.checkForCpu(name());
        return new ScalarBackend();
    }
}
