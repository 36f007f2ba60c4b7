package org.aimjvm.cuda;

import org.aimjvm.backend.Backend;
import org.aimjvm.backend.BackendException;
import org.aimjvm.backend.BackendOptions;
import org.aimjvm.backend.BackendProvider;

/** Provides {@link CudaBackend} where there is a driver and a GPU. */
public final class CudaBackendProvider implements BackendProvider {
    @Override
    public String name() {
        return CudaBackend.NAME;
    }

    @Override
    public int priority() {
        return 20;
    }

    @Override
    public Availability availability() {
        try {
            String problem = Gpu.problem(0);
            return problem == null ? new Availability(true, Gpu.describe(0)) : new Availability(false, problem);
        } catch (BackendException e) { // a driver that answers with an error
            return new Availability(false, e.getMessage());
        }
    }

    @Override
    public boolean isCpu() {
        return false;
    }

    @Override
    public Backend open(BackendOptions options) {
        return new CudaBackend(options.ordinal(), options.matmul());
    }
}
