package org.aimjvm.cuda;

import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.MatmulPrecision;

/**
 * What the tests of this module run on: a GPU, or the emulated device that the build makes; see {@link NeedsDevice}.
 */
final class CudaTests {
    private CudaTests() {}

    private static final class Opened {
        static final CudaBackend BACKEND = new CudaBackend(0, MatmulPrecision.F32);
    }

    /** The backend with exact products. */
    static CudaBackend backend() {
        return Opened.BACKEND;
    }

    /** A backend whose products are computed so. */
    static CudaBackend backend(MatmulPrecision precision) {
        return new CudaBackend(0, precision);
    }

    /** The backend that defines the right answers. */
    static Backend reference() {
        return Backends.open("scalar", 1);
    }
}
