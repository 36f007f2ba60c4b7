package org.aimjvm.cuda;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.aimjvm.tensor.Backend;
import org.aimjvm.tensor.Backends;
import org.aimjvm.tensor.MatmulPrecision;

/** What the tests of this module run on: a GPU, or the emulated device that the build makes. */
final class CudaTests {
    private CudaTests() {}

    private static final class Opened {
        static final CudaBackend BACKEND = new CudaBackend(0, MatmulPrecision.F32);
    }

    /** The backend with exact products; skips the test, with the reason, where there is neither a GPU nor a C++ compiler. */
    static CudaBackend backend() {
        assumeAvailable();
        return Opened.BACKEND;
    }

    /** A backend whose products are computed so. */
    static CudaBackend backend(MatmulPrecision precision) {
        assumeAvailable();
        return new CudaBackend(0, precision);
    }

    private static void assumeAvailable() {
        String problem = Driver.problem() == null ? Gpu.problem(0) : Driver.problem();
        assumeTrue(problem == null, () -> "cuda: " + problem);
    }

    /** The backend that defines the right answers. */
    static Backend reference() {
        return Backends.open("scalar", 1);
    }
}
