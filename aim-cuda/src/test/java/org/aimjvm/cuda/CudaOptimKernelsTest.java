package org.aimjvm.cuda;

import org.aimjvm.backend.OptimKernels.AdamWStep;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CudaOptimKernelsTest {
    @BeforeAll
    static void available() {
        CudaTests.backend();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 257, 1024, 5003})
    void updatesHaveTheBitsOfTheReference(int n) {
        Twin w = Twin.modified(Twin.floats(1, -1, 1, n));
        Twin m = Twin.modified(Twin.floats(2, -0.1, 0.1, n));
        Twin v = Twin.modified(Twin.floats(3, 0, 0.1, n));
        Twin average = Twin.modified(Twin.floats(4, -1, 1, n));
        for (int step : new int[] {1, 2, 1000}) {
            Twin g = Twin.random(5 + step, -3, 3, n);
            Twin.run(b -> {
                b.optim()
                        .adamW(
                                w.on(b), m.on(b), v.on(b), g.on(b), n,
                                new AdamWStep(3e-4f, 0.9f, 0.95f, 1e-8f, 0.05f, 0.37f, step));
                b.optim().ema(average.on(b), w.on(b), 0.9999f, n);
            });
            w.assertSame("w");
            m.assertSame("m");
            v.assertSame("v");
            average.assertSame("average");
        }
    }
}
