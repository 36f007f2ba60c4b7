package org.aimjvm.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphNode;
import jcuda.driver.CUstreamCaptureMode;
import jcuda.driver.JCudaDriver;
import org.aimjvm.backend.MatmulPrecision;
import org.aimjvm.backend.Shape;
import org.aimjvm.backend.StateFormat;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.nn.MixerState;
import org.aimjvm.nn.Params;
import org.aimjvm.op.norm.NormedSum;
import org.aimjvm.op.norm.ResidualNormOp;
import org.aimjvm.ssm.Mamba2;
import org.aimjvm.ssm.Mamba2Config;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How many kernels a decoding step is; that they compute the same is tested with the operations. */
class CudaFusedKernelsTest {

    /** What {@code work} submits; done once before, so that all memory is there. */
    private static int launches(CudaBackend b, Runnable work) {
        try (Scope _ = Scope.inference()) {
            for (int i = 0; i < 2; i++) {
                boolean counting = i == 1;
                CUgraph graph = new CUgraph();
                long[] count = new long[1];
                try (Scope _ = Scope.inference()) {
                    if (counting) {
                        b.context().gpu().enter();
                        Driver.check(JCudaDriver.cuStreamBeginCapture(
                                b.context().gpu().stream(), CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED),
                                "begin");
                    }
                    work.run();
                    if (counting) {
                        Driver.check(JCudaDriver.cuStreamEndCapture(b.context().gpu().stream(), graph), "end");
                        Driver.check(JCudaDriver.cuGraphGetNodes(graph, (CUgraphNode[]) null, count), "nodes");
                        JCudaDriver.cuGraphDestroy(graph);
                        return Math.toIntExact(count[0]);
                    }
                }
            }
        }
        throw new AssertionError();
    }

    private static int ofStep(CudaBackend b, Mamba2 mixer, Mamba2Config config, int batch) {
        MixerState state = mixer.newState(batch, 1, StateFormat.F32);
        Tensor u = Tensor.full(b, Shape.of(batch, 1, config.dModel()), 0.5f);
        return launches(b, () -> mixer.forward(u, state));
    }

    /** The mixer with what stands before it. */
    private static int ofBlock(CudaBackend b, Mamba2 mixer, Mamba2Config config, int batch) {
        MixerState state = mixer.newState(batch, 1, StateFormat.F32);
        int d = config.dModel();
        Tensor x = Tensor.full(b, Shape.of(batch, 1, d), 0.5f);
        Tensor p = Tensor.full(b, Shape.of(batch, d), 0.5f);
        Tensor weight = Tensor.full(b, Shape.of(d), 0.5f);
        return launches(b, () -> {
            NormedSum u = ResidualNormOp.rmsNorm(x, p, x, weight, 1e-5f, p, p);
            mixer.forward(u, state);
            u.residual();
        });
    }

    @ParameterizedTest
    @EnumSource
    void launchesOfAStep(WeightFormat format) {
        CudaBackend b = CudaTests.backend(MatmulPrecision.F32);
        Mamba2Config config = Mamba2Config.of(64);
        Mamba2 mixer = new Mamba2(Params.random(b, 1, format), config, 1);
        for (int batch : new int[] {1, 2, 3, 4}) {
            assertThat(ofStep(b, mixer, config, batch)).as("projection with convolution, scan, norm with projection")
                    .isEqualTo(3);
            assertThat(ofBlock(b, mixer, config, batch)).as("what stands before it in the first").isEqualTo(3);
        }
        for (int batch : new int[] {5, 32}) {
            assertThat(ofStep(b, mixer, config, batch)).as("the norm by itself").isEqualTo(4);
            assertThat(ofBlock(b, mixer, config, batch)).as("both norms by themselves").isEqualTo(5);
        }
        assertThat(ofStep(b, mixer, config, 33)).as("one by one").isEqualTo(6);
        Mamba2 trained = new Mamba2(Params.random(b, 1), config, 1);
        assertThat(ofStep(b, trained, config, 2)).as("plain weights").isEqualTo(3);
    }

    /** Launches of a block of {@code batch} sequences with frozen weights. */
    private static int ofBlock(String property, int batch) {
        CudaTests.backend(); // opened without the property, for the other tests
        System.setProperty(CudaFusedKernels.PROPERTY, property);
        try {
            CudaBackend b = CudaTests.backend(MatmulPrecision.F32);
            Mamba2Config config = Mamba2Config.of(64);
            return ofBlock(b, new Mamba2(Params.random(b, 1, WeightFormat.BF16), config, 1), config, batch);
        } finally {
            System.clearProperty(CudaFusedKernels.PROPERTY);
        }
    }

    @Test
    void thePropertySaysWhatIsDoneTogether() {
        assertThat(ofBlock("on", 2)).isEqualTo(3);
        assertThat(ofBlock("conv", 2)).as("both norms by themselves").isEqualTo(5);
        assertThat(ofBlock("off", 2)).as("one by one").isEqualTo(7);
        assertThatThrownBy(() -> ofBlock("norm", 2)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("aim.cuda.fused: norm (expected on, conv or off)");
    }
}
