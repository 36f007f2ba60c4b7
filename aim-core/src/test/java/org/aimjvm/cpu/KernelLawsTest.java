package org.aimjvm.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.aimjvm.EverySimdWidth;
import org.aimjvm.backend.Backend;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What every kernel of the vector backend promises besides being right: the scalar answer also at sizes of many
 * pieces, the same bits on any number of threads, and nothing read or written past the end of a tensor.
 */
@EverySimdWidth
class KernelLawsTest {
    private static final double TOLERANCE = 1e-5;
    private static Backend scalar;
    private static Backend oneThread;
    private static Backend threeThreads;

    @BeforeAll
    static void openBackends() {
        VectorBackendProvider vector = new VectorBackendProvider();
        assumeTrue(vector.availability().available(), vector.availability().reason());
        scalar = new ScalarBackend();
        oneThread = vector.open(1);
        threeThreads = vector.open(3);
    }

    static Stream<KernelCall> calls() {
        List<KernelCall> calls = new ArrayList<>(ElementwiseCalls.calls());
        calls.addAll(NormCalls.calls());
        calls.addAll(ConvCalls.calls());
        calls.addAll(PictureCalls.calls());
        calls.addAll(SsmCalls.calls());
        calls.addAll(SoftmaxCalls.calls());
        return calls.stream();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("calls")
    void equalsScalarAndStaysInsideItsTensors(KernelCall call) {
        float[][] expected = call.run(scalar, 1);
        float[][] got = call.run(threeThreads, 1);
        for (int i = 0; i < expected.length; i++) {
            double error = 0;
            double norm = 0;
            for (int j = 0; j < expected[i].length; j++) {
                error += Math.pow(got[i][j] - (double) expected[i][j], 2);
                norm += Math.pow(expected[i][j], 2);
            }
            assertThat(Math.sqrt(error)).as("error of output %d", i).isLessThanOrEqualTo(TOLERANCE * Math.sqrt(norm));
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("calls")
    void bitsDoNotDependOnTheNumberOfThreads(KernelCall call) {
        float[][] expected = call.run(oneThread, 2);
        for (int repeat = 0; repeat < 3; repeat++) {
            float[][] got = call.run(threeThreads, 2);
            for (int i = 0; i < expected.length; i++) {
                assertThat(got[i]).as("output %d", i).isEqualTo(expected[i]);
            }
        }
    }
}
