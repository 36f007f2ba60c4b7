package org.aimjvm.cpu;

import org.aimjvm.backend.ConvKernels;
import org.aimjvm.backend.ElementwiseKernels;
import org.aimjvm.backend.GemmKernels;
import org.aimjvm.backend.IndexKernels;
import org.aimjvm.backend.NormKernels;
import org.aimjvm.backend.OptimKernels;
import org.aimjvm.backend.PictureKernels;
import org.aimjvm.backend.Quantization;
import org.aimjvm.backend.SoftmaxKernels;
import org.aimjvm.backend.SsmKernels;
import org.aimjvm.backend.Storage;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.backend.WeightMatrix;
import org.aimjvm.cpu.memory.HeapStorage;
import org.aimjvm.cpu.scalar.ScalarConvKernels;
import org.aimjvm.cpu.scalar.ScalarElementwiseKernels;
import org.aimjvm.cpu.scalar.ScalarGemmKernels;
import org.aimjvm.cpu.scalar.ScalarIndexKernels;
import org.aimjvm.cpu.scalar.ScalarNormKernels;
import org.aimjvm.cpu.scalar.ScalarOptimKernels;
import org.aimjvm.cpu.scalar.ScalarPictureKernels;
import org.aimjvm.cpu.scalar.ScalarSoftmaxKernels;
import org.aimjvm.cpu.scalar.ScalarSsmKernels;

/** Plain loops on one thread: the readable reference that defines the right answer. Captures nothing. */
final class ScalarBackend extends CpuBackend {
    private final GemmKernels gemm = new ScalarGemmKernels();
    private final ElementwiseKernels elementwise = new ScalarElementwiseKernels();
    private final NormKernels norm = new ScalarNormKernels();
    private final SoftmaxKernels softmax = new ScalarSoftmaxKernels();
    private final ConvKernels conv = new ScalarConvKernels();
    private final PictureKernels picture = new ScalarPictureKernels();
    private final IndexKernels index = new ScalarIndexKernels();
    private final SsmKernels ssm = new ScalarSsmKernels();
    private final OptimKernels optim = new ScalarOptimKernels();

    /** All formats are held as the F32 numbers they stand for: the reference for what their kernels compute. */
    @Override
    public Storage weights(WeightMatrix matrix, WeightFormat format) {
        WeightMatrix m = matrix.to(format);
        float[] values = m.floats();
        if (m.format() == WeightFormat.BF16) {
            for (int i = 0; i < values.length; i++) {
                values[i] = Quantization.toBf16(values[i]);
            }
        }
        return HeapStorage.frozen(values);
    }

    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public String description() {
        return "plain loops, 1 thread";
    }

    @Override
    void inOrder(Runnable work) {
        work.run();
    }

    @Override
    void checkTransfer(String what) {
        // nothing is captured
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
    public PictureKernels picture() {
        return picture;
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
