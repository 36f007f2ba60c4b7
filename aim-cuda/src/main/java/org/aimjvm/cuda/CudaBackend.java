package org.aimjvm.cuda;

import java.util.Optional;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.ConvKernels;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.ElementwiseKernels;
import org.aimjvm.backend.FusedKernels;
import org.aimjvm.backend.GemmKernels;
import org.aimjvm.backend.IndexKernels;
import org.aimjvm.backend.LimitKernels;
import org.aimjvm.backend.MatmulPrecision;
import org.aimjvm.backend.NormKernels;
import org.aimjvm.backend.OptimKernels;
import org.aimjvm.backend.PictureKernels;
import org.aimjvm.backend.SamplingKernels;
import org.aimjvm.backend.SoftmaxKernels;
import org.aimjvm.backend.SsmKernels;
import org.aimjvm.backend.Storage;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.backend.WeightMatrix;

/**
 * Kernels on one NVIDIA GPU: puts together the families of kernels on one {@link CudaContext}. Everything is submitted
 * to one stream and runs in that order; the host waits only where it reads. {@link #capture} makes a CUDA graph.
 */
final class CudaBackend implements Backend {
    static final String NAME = "cuda";

    private final CudaContext context;
    private final ElementTransfers elements;
    private final GraphCapture graphs;
    private final LinearKernels linear;
    private final CudaGemmKernels gemm;
    private final ElementwiseKernels elementwise;
    private final NormKernels norm;
    // made when first asked for: the driver takes long over their kernels, and a sequence model has none
    private ConvKernels conv;
    private PictureKernels picture;
    private final SsmKernels ssm;
    private final SoftmaxKernels softmax;
    private final CudaIndexKernels index;
    private final OptimKernels optim;
    private final SamplingKernels sampling;
    private final CudaFusedKernels fused;
    private LimitKernels limits; // made when first asked for

    /** @throws org.aimjvm.backend.BackendException if there is no such GPU or it cannot be used */
    CudaBackend(int ordinal, MatmulPrecision precision) {
        this.context = new CudaContext(ordinal, precision);
        this.elements = new ElementTransfers(context);
        this.graphs = new GraphCapture(context);
        this.elementwise = new CudaElementwiseKernels(context);
        this.linear = new LinearKernels(context);
        this.gemm = new CudaGemmKernels(context, linear);
        this.norm = new CudaNormKernels(context);
        this.ssm = new CudaSsmKernels(context);
        this.softmax = new CudaSoftmaxKernels(context);
        this.index = new CudaIndexKernels(context);
        this.optim = new CudaOptimKernels(context);
        this.sampling = new CudaSamplingKernels(context);
        this.fused = new CudaFusedKernels(context, linear);
    }

    @Override
    public String name() {
        return NAME + ":" + context.gpu().ordinal();
    }

    @Override
    public String description() {
        return Gpu.describe(context.gpu().ordinal()) + ", products in " + context.precision() + " ("
                + gemm.description() + ")";
    }

    /** For tests: what the families stand on. */
    CudaContext context() {
        return context;
    }

    @Override
    public Storage allocate(DType dtype, int size) {
        return context.allocate(dtype, size);
    }

    @Override
    public Storage weights(WeightMatrix matrix, WeightFormat format) {
        WeightMatrix converted = matrix.to(format);
        linear.prepare(converted.format());
        fused.prepare(converted.format());
        return CudaWeights.of(context, converted);
    }

    @Override
    public Storage reuse(Storage released) {
        return ((CudaStorage) released).sameMemory();
    }

    @Override
    public void free(Storage storage) {
        ((CudaStorage) storage).giveBack();
    }

    @Override
    public void write(Storage dst, int offset, float[] values, int from, int count) {
        elements.write(dst, offset, values, from, count);
    }

    @Override
    public void write(Storage dst, int offset, int[] values, int from, int count) {
        elements.write(dst, offset, values, from, count);
    }

    @Override
    public void read(Storage src, int offset, float[] values, int to, int count) {
        if (src instanceof CudaWeights w && !w.isPlain()) {
            context.transfers().expectNoCapture("read");
            ElementTransfers.checkRange(w, offset, count);
            try (Scratch plain = context.scratch(4L * w.size())) {
                index.widen(plain.storage(), w);
                elements.read(plain.storage(), offset, values, to, count);
            }
            return;
        }
        elements.read(src, offset, values, to, count);
    }

    @Override
    public void read(Storage src, int offset, int[] values, int to, int count) {
        elements.read(src, offset, values, to, count);
    }

    @Override
    public void copy(Storage dst, int dstOffset, Storage src, int srcOffset, int count) {
        elements.copy(dst, dstOffset, src, srcOffset, count);
    }

    @Override
    public void fill(Storage dst, int offset, int count, float value) {
        elements.fill(dst, offset, count, value);
    }

    @Override
    public Optional<Runnable> capture(Runnable work) {
        return Optional.of(graphs.capture(work));
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
        synchronized (context.gpu()) {
            conv = conv == null ? new CudaConvKernels(context) : conv;
            return conv;
        }
    }

    @Override
    public PictureKernels picture() {
        synchronized (context.gpu()) {
            picture = picture == null ? new CudaPictureKernels(context) : picture;
            return picture;
        }
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

    @Override
    public long bytesInUse() {
        return context.memory().inUse();
    }

    @Override
    public void synchronize() {
        context.gpu().synchronize();
    }

    @Override
    public Optional<LimitKernels> limits() {
        synchronized (context.gpu()) {
            limits = limits == null ? new CudaLimitKernels(context) : limits;
            return Optional.of(limits);
        }
    }

    @Override
    public Optional<FusedKernels> fused() {
        return Optional.of(fused);
    }

    @Override
    public Optional<SamplingKernels> sampling() {
        return Optional.of(sampling);
    }

    @Override
    public String toString() {
        return name();
    }
}
