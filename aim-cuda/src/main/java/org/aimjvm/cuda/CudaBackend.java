package org.aimjvm.cuda;

import static org.aimjvm.cuda.Driver.check;

import java.lang.ref.Cleaner;
import java.util.List;
import java.util.Optional;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUstreamCaptureMode;
import jcuda.driver.JCudaDriver;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.ConvKernels;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.ElementwiseKernels;
import org.aimjvm.backend.FusedKernels;
import org.aimjvm.backend.IndexKernels;
import org.aimjvm.backend.LimitKernels;
import org.aimjvm.backend.MatmulPrecision;
import org.aimjvm.backend.NormKernels;
import org.aimjvm.backend.OptimKernels;
import org.aimjvm.backend.Quantization;
import org.aimjvm.backend.SamplingKernels;
import org.aimjvm.backend.SoftmaxKernels;
import org.aimjvm.backend.SsmKernels;
import org.aimjvm.backend.Storage;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.backend.WeightMatrix;

/**
 * Kernels on one NVIDIA GPU. Everything is submitted to one stream and runs in that order; the host waits only where it reads.
 *
 * <p>{@link #capture} captures a CUDA graph.
 */
final class CudaBackend implements Backend {
    /** Indexes are ints, and the last thread of a launch may look at one a little behind the end. */
    private static final int MAX_SIZE = Integer.MAX_VALUE - (1 << 20);

    private static final Cleaner CLEANER = Cleaner.create();

    private final Gpu gpu;
    private final MatmulPrecision precision;
    private final DeviceMemory memory;
    private final Transfers transfers;
    private final CudaGemmKernels gemm;
    private final ElementwiseKernels elementwise;
    private final NormKernels norm;
    private ConvKernels conv; // made when somebody asks: the driver takes long over its kernels, and only the tokenizer has any
    private final SsmKernels ssm;
    private final SoftmaxKernels softmax;
    private final IndexKernels index;
    private final OptimKernels optim;
    private final SamplingKernels sampling;
    private final CudaFusedKernels fused;
    private LimitKernels limits; // made when somebody asks

    /** @throws org.aimjvm.backend.BackendException if there is no such GPU or it cannot be used */
    CudaBackend(int ordinal, MatmulPrecision precision) {
        this.gpu = new Gpu(ordinal);
        this.precision = precision;
        this.memory = new DeviceMemory(gpu);
        this.transfers = new Transfers(gpu);
        this.elementwise = new CudaElementwiseKernels(this);
        this.gemm = new CudaGemmKernels(this);
        this.norm = new CudaNormKernels(this);
        this.ssm = new CudaSsmKernels(this);
        this.softmax = new CudaSoftmaxKernels(this);
        this.index = new CudaIndexKernels(this);
        this.optim = new CudaOptimKernels(this);
        this.sampling = new CudaSamplingKernels(this);
        this.fused = new CudaFusedKernels(this);
    }

    @Override
    public String name() {
        return CudaBackendProvider.NAME + ":" + gpu.ordinal();
    }

    @Override
    public String description() {
        return Gpu.describe(gpu.ordinal()) + ", products in " + precision + " (" + gemm.description()
                + ")";
    }

    Gpu gpu() {
        return gpu;
    }

    MatmulPrecision precision() {
        return precision;
    }

    DeviceMemory memory() {
        return memory;
    }

    /** The kernels of {@code kernels/NAME.cu}. */
    KernelModule module(String name) {
        return new KernelModule(gpu, name);
    }

    /** Memory for one kernel call. */
    Scratch scratch(long bytes) {
        if (bytes > 4L * MAX_SIZE) {
            throw new IllegalArgumentException(
                    "scratch memory: " + bytes + " bytes (expected at most " + 4L * MAX_SIZE + ")");
        }
        return new Scratch(new CudaStorage(memory, memory.allocate(bytes), DType.F32, (int) ((bytes + 3) / 4)));
    }

    @Override
    public Storage allocate(DType dtype, int size) {
        if (dtype != DType.F32 && dtype != DType.I32 && dtype != DType.BF16) {
            throw new IllegalArgumentException("allocate: " + dtype + " (expected F32, I32 or BF16)");
        }
        if (size > MAX_SIZE) {
            throw new IllegalArgumentException("allocate: " + size + " elements (expected at most " + MAX_SIZE + ")");
        }
        return new CudaStorage(memory, memory.allocate((long) dtype.bytes() * size), dtype, size);
    }

    @Override
    public Storage weights(WeightMatrix matrix, WeightFormat format) {
        return CudaWeights.of(this, matrix.to(format));
    }

    @Override
    public Storage reuse(Storage released) {
        return ((CudaStorage) released).sameMemory();
    }

    @Override
    public void free(Storage storage) {
        ((CudaStorage) storage).giveBack();
    }

    private void checkTransfer(String what) {
        if (gpu.isCapturedHere()) {
            throw new IllegalStateException(
                    what + ": inside a capture (expected before or after, as it would not be replayed)");
        }
    }

    private static DeviceMemory.Block block(Storage s, DType expected, int offset, int count) {
        CudaStorage c = CudaStorage.any(s);
        if (c.dtype() != expected) {
            throw new IllegalArgumentException("storage: " + c.dtype() + ", expected " + expected);
        }
        checkRange(c, offset, count);
        return c.block();
    }

    private static void checkRange(Storage s, int offset, int count) {
        if (offset < 0 || count < 0 || (long) offset + count > s.size()) {
            throw new IndexOutOfBoundsException("storage: elements " + offset + " to " + ((long) offset + count)
                    + ", expected within " + s.size());
        }
    }

    @Override
    public void write(Storage dst, int offset, float[] values, int from, int count) {
        checkTransfer("write");
        if (dst.dtype() == DType.BF16) {
            transfers.write(block(dst, DType.BF16, offset, count), 2L * offset, 2, count, (buffer, at, n) -> {
                for (int i = 0; i < n; i++) {
                    buffer.putShort((short) Quantization.bf16Bits(values[from + at + i]));
                }
            });
            return;
        }
        transfers.write(block(dst, DType.F32, offset, count), 4L * offset, 4, count,
                (buffer, at, n) -> buffer.asFloatBuffer().put(values, from + at, n));
    }

    @Override
    public void write(Storage dst, int offset, int[] values, int from, int count) {
        checkTransfer("write");
        transfers.write(block(dst, DType.I32, offset, count), 4L * offset, 4, count,
                (buffer, at, n) -> buffer.asIntBuffer().put(values, from + at, n));
    }

    /** Fills a block that holds elements of {@code width} bytes. */
    void write(DeviceMemory.Block dst, int width, int count, Transfers.Chunk fill) {
        checkTransfer("write");
        transfers.write(dst, 0, width, count, fill);
    }

    @Override
    public void read(Storage src, int offset, float[] values, int to, int count) {
        checkTransfer("read");
        if (src instanceof CudaWeights w && w.format() != WeightFormat.F32) {
            checkRange(w, offset, count);
            try (Scratch plain = scratch(4L * w.size())) {
                ((CudaIndexKernels) index).widen(plain.storage(), w);
                read(plain.storage(), offset, values, to, count);
            }
            return;
        }
        if (src.dtype() == DType.BF16) {
            transfers.read(block(src, DType.BF16, offset, count), 2L * offset, 2, count, (buffer, at, n) -> {
                for (int i = 0; i < n; i++) {
                    values[to + at + i] = Float.intBitsToFloat(buffer.getShort() << 16);
                }
            });
            return;
        }
        transfers.read(block(src, DType.F32, offset, count), 4L * offset, 4, count,
                (buffer, at, n) -> buffer.asFloatBuffer().get(values, to + at, n));
    }

    @Override
    public void read(Storage src, int offset, int[] values, int to, int count) {
        checkTransfer("read");
        transfers.read(block(src, DType.I32, offset, count), 4L * offset, 4, count,
                (buffer, at, n) -> buffer.asIntBuffer().get(values, to + at, n));
    }

    /** The f64 numbers at the start of a storage. */
    double[] readDoubles(CudaStorage src, int count) {
        checkTransfer("read");
        double[] values = new double[count];
        transfers.read(src.block(), 0, 8, count, (buffer, at, n) -> buffer.asDoubleBuffer().get(values, at, n));
        return values;
    }

    @Override
    public void copy(Storage dst, int dstOffset, Storage src, int srcOffset, int count) {
        DeviceMemory.Block to = block(dst, src.dtype(), dstOffset, count);
        DeviceMemory.Block from = block(src, src.dtype(), srcOffset, count);
        if (count > 0) {
            synchronized (gpu) {
                gpu.enter();
                long width = src.dtype().bytes();
                check(JCudaDriver.cuMemcpyDtoDAsync(
                        to.pointer(width * dstOffset), from.pointer(width * srcOffset), width * count, gpu.stream()),
                        "cuMemcpyDtoDAsync");
            }
        }
    }

    @Override
    public void fill(Storage dst, int offset, int count, float value) {
        boolean half = dst.dtype() == DType.BF16;
        DeviceMemory.Block to = block(dst, half ? DType.BF16 : DType.F32, offset, count);
        if (count > 0) {
            synchronized (gpu) {
                gpu.enter();
                if (half) {
                    check(JCudaDriver.cuMemsetD16Async(
                            to.pointer(2L * offset), (short) Quantization.bf16Bits(value), count, gpu.stream()),
                            "cuMemsetD16Async");
                    return;
                }
                check(JCudaDriver.cuMemsetD32Async(
                        to.pointer(4L * offset), Float.floatToRawIntBits(value), count, gpu.stream()),
                        "cuMemsetD32Async");
            }
        }
    }

    /** What a capture holds until its replay can no longer be reached. */
    private record Capture(Gpu gpu, DeviceMemory memory, CUgraphExec executable, List<DeviceMemory.Block> scratch)
            implements
                Runnable {
        @Override
        public void run() {
            synchronized (gpu) {
                gpu.enter();
                JCudaDriver.cuGraphExecDestroy(executable); // nobody is there to hear of a failure
            }
            memory.giveBack(scratch);
        }
    }

    /** Launches a graph again. */
    private static final class Replay implements Runnable {
        private final Gpu gpu;
        private final CUgraphExec executable;

        Replay(Gpu gpu, CUgraphExec executable) {
            this.gpu = gpu;
            this.executable = executable;
        }

        @Override
        public void run() {
            synchronized (gpu) {
                gpu.enter();
                check(JCudaDriver.cuGraphLaunch(executable, gpu.stream()), "cuGraphLaunch");
            }
        }
    }

    /** What replays {@code work}, which is not done; its scratch memory is retained. Leaves nothing behind if it fails. */
    private CUgraphExec graphOf(Runnable work) {
        CUgraph graph = new CUgraph();
        CUgraphExec executable = new CUgraphExec();
        boolean made = false;
        check(JCudaDriver.cuStreamBeginCapture(
                gpu.stream(), CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED), "cuStreamBeginCapture");
        memory.startRetaining();
        gpu.setCapturer(Thread.currentThread());
        try {
            int status;
            try {
                work.run();
            } finally {
                gpu.setCapturer(null);
                memory.stopRetaining();
                status = JCudaDriver.cuStreamEndCapture(gpu.stream(), graph);
            }
            check(status, "cuStreamEndCapture");
            check(JCudaDriver.cuGraphInstantiate(executable, graph, 0), "cuGraphInstantiate");
            made = true;
            return executable;
        } finally {
            JCudaDriver.cuGraphDestroy(graph); // has an error of its own to report, or none
            if (!made) {
                memory.giveBack(memory.takeRetained());
            }
        }
    }

    @Override
    public Optional<Runnable> capture(Runnable work) {
        synchronized (gpu) {
            if (gpu.isCapturing()) {
                throw new IllegalStateException("capture: inside another capture");
            }
            gpu.synchronize(); // so that kept memory can be given back to the driver while capturing
            CUgraphExec executable = graphOf(work);
            Replay replay = new Replay(gpu, executable);
            CLEANER.register(replay, new Capture(gpu, memory, executable, memory.takeRetained()));
            replay.run(); // capturing has not done the work
            return Optional.of(replay);
        }
    }

    @Override
    public CudaGemmKernels gemm() {
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
        synchronized (gpu) {
            conv = conv == null ? new CudaConvKernels(this) : conv;
            return conv;
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
        return memory.inUse();
    }

    @Override
    public void synchronize() {
        gpu.synchronize();
    }

    @Override
    public Optional<LimitKernels> limits() {
        synchronized (gpu) {
            limits = limits == null ? new CudaLimitKernels(this) : limits;
            return Optional.of(limits);
        }
    }

    CudaFusedKernels fusedKernels() {
        return fused;
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
