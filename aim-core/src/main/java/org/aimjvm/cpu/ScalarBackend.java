package org.aimjvm.cpu;

import org.aimjvm.tensor.ConvKernels;
import org.aimjvm.tensor.ElementwiseKernels;
import org.aimjvm.tensor.GemmKernels;
import org.aimjvm.tensor.IndexKernels;
import org.aimjvm.tensor.NormKernels;
import org.aimjvm.tensor.OptimKernels;
import org.aimjvm.tensor.SoftmaxKernels;
import org.aimjvm.tensor.SsmKernels;

/** Plain loops on one thread: the readable reference that defines the right answer. */
final class ScalarBackend extends CpuBackend {
    private final GemmKernels gemm = new ScalarGemmKernels();
    private final ElementwiseKernels elementwise = new ScalarElementwiseKernels();
    private final NormKernels norm = new ScalarNormKernels();
    private final SoftmaxKernels softmax = new ScalarSoftmaxKernels();
    private final ConvKernels conv = new ScalarConvKernels();
    private final IndexKernels index = new ScalarIndexKernels();
    private final SsmKernels ssm = new ScalarSsmKernels();
    private final OptimKernels optim = new ScalarOptimKernels();

    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public String description() {
        return "plain loops, 1 thread";
    }

    @Override
    public GemmKernels gemm() {
        return gemm;
    }

    @Override
    public ElementwiseKernels elementwise() {
        return elementwise;
    }

    @Override
    public NormKernels norm() {
        return norm;
    }

    @Override
    public ConvKernels conv() {
        return conv;
    }

    @Override
    public SsmKernels ssm() {
        return ssm;
    }

    @Override
    public SoftmaxKernels softmax() {
        return softmax;
    }

    @Override
    public IndexKernels index() {
        return index;
    }

    @Override
    public OptimKernels optim() {
        return optim;
    }
}
