package org.aimjvm.cpu;

import java.util.Optional;
import java.util.function.Predicate;
import org.aimjvm.backend.Conv2dShape;
import org.aimjvm.backend.ConvKernels;
import org.aimjvm.backend.ElementwiseKernels;
import org.aimjvm.backend.GemmKernels;
import org.aimjvm.backend.IndexKernels;
import org.aimjvm.backend.NormKernels;
import org.aimjvm.backend.OptimKernels;
import org.aimjvm.backend.PictureKernels;
import org.aimjvm.backend.SoftmaxKernels;
import org.aimjvm.backend.SsmKernels;
import org.aimjvm.backend.Storage;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.backend.WeightMatrix;
import org.aimjvm.cpu.conv.VectorConvKernels;
import org.aimjvm.cpu.conv.VectorPictureKernels;
import org.aimjvm.cpu.conv.WinogradConv;
import org.aimjvm.cpu.gemm.Bf16Panels;
import org.aimjvm.cpu.gemm.Int4Panels;
import org.aimjvm.cpu.gemm.Int8Panels;
import org.aimjvm.cpu.gemm.RowWeights;
import org.aimjvm.cpu.gemm.VectorGemmKernels;
import org.aimjvm.cpu.gemm.WeightBuffers;
import org.aimjvm.cpu.memory.Parallel;
import org.aimjvm.cpu.rows.VectorElementwiseKernels;
import org.aimjvm.cpu.rows.VectorIndexKernels;
import org.aimjvm.cpu.rows.VectorNormKernels;
import org.aimjvm.cpu.rows.VectorOptimKernels;
import org.aimjvm.cpu.rows.VectorSoftmaxKernels;
import org.aimjvm.cpu.simd.Simd;
import org.aimjvm.cpu.ssm.VectorSsmKernels;

/** SIMD kernels by the Vector API on several threads. Loaded only where the module is resolved. */
final class VectorBackend extends CpuBackend {
    private final Parallel parallel;
    private final WeightBuffers weightBuffers = new WeightBuffers();
    private final VectorGemmKernels gemm;
    private final ConvKernels conv;
    private final PictureKernels picture;
    private final ElementwiseKernels elementwise;
    private final NormKernels norm;
    private final SsmKernels ssm;
    private final SoftmaxKernels softmax;
    private final IndexKernels index;
    private final OptimKernels optim;

    VectorBackend(int threads) {
        this(threads, WinogradConv::fits);
    }

    /** @param byWinograd as in {@link VectorConvKernels} */
    VectorBackend(int threads, Predicate<Conv2dShape> byWinograd) {
        this.parallel = new Parallel(threads);
        this.gemm = new VectorGemmKernels(parallel);
        this.conv = new VectorConvKernels(parallel, gemm, byWinograd);
        this.picture = new VectorPictureKernels(parallel);
        this.elementwise = new VectorElementwiseKernels(parallel);
        this.ssm = new VectorSsmKernels(parallel);
        this.norm = new VectorNormKernels(parallel);
        this.softmax = new VectorSoftmaxKernels(parallel);
        this.index = new VectorIndexKernels(parallel);
        this.optim = new VectorOptimKernels(parallel);
    }

    @Override
    public Storage weights(WeightMatrix matrix, WeightFormat format) {
        return switch (format.fits(matrix.in()) ? format : WeightFormat.BF16) {
            case INT8 -> new Int8Panels(matrix, parallel, weightBuffers);
            case INT4 -> new Int4Panels(matrix, parallel, weightBuffers);
            case BF16 -> new Bf16Panels(matrix, parallel, weightBuffers);
            case F32 -> RowWeights.of(matrix, weightBuffers);
        };
    }

    @Override
    public String name() {
        return "vector";
    }

    @Override
    public String description() {
        return "Vector API, " + Simd.F.vectorBitSize() + "-bit, " + parallel.threads() + " threads";
    }

    @Override
    void inOrder(Runnable work) {
        parallel.forRange(1, 1, (from, to) -> work.run());
    }

    @Override
    void checkTransfer(String what) {
        if (parallel.isCapturing()) {
            throw new IllegalStateException(
                    what + ": inside a capture (expected before or after, as it would not be replayed)");
        }
    }

    @Override
    public Optional<Runnable> capture(Runnable work) {
        return Optional.of(parallel.capture(work));
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
