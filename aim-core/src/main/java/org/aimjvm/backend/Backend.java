package org.aimjvm.backend;

import java.util.Optional;

/**
 * Memory plus a handful of kernel families: everything the library needs of a device. Operations ({@code
 * org.aimjvm.op}) know autograd and shapes and call one kernel; kernels know neither. A backend implements every
 * family, so a missing kernel is a compile error.
 *
 * <p>Conventions of all kernel methods: outputs first, then inputs, then sizes; arrays contiguous and row-major;
 * outputs are overwritten unless a parameter is called "Modified" or {@code accumulate}; inputs are "Not modified";
 * outputs do not alias inputs unless the method says it may. Results do not depend on the number of threads.
 */
public interface Backend {

    /** Short name for users and messages: {@code scalar}, {@code vector}, {@code cuda:0}. */
    String name();

    /** One line for users: what it is and how wide, e.g. {@code Vector API, 512-bit, 2 threads}. */
    String description();

    /**
     * New memory for {@code size} elements of {@link DType#F32}, {@link DType#I32} or {@link DType#BF16}; contents are
     * undefined. BF16 is for states: {@link #read} widens them, {@link #write} and {@link #fill} round to nearest even,
     * and of all kernels {@link SsmKernels#ssdScan} alone takes them.
     */
    Storage allocate(DType dtype, int size);

    /**
     * A weight matrix for {@link GemmKernels#linear} and {@link IndexKernels#embedding}, held as is fastest here: laid
     * out anew, or where it lies. Its elements can be read like those of any storage, but not written, and no gradient
     * flows to them.
     *
     * @param format how it is held; a matrix given in another one is converted, see {@link WeightMatrix#to}. A backend
     *     may hold the same values in more bits
     */
    Storage weights(WeightMatrix matrix, WeightFormat format);

    /** A new handle on the memory of {@code released}, whose scope has closed; contents are undefined. */
    Storage reuse(Storage released);

    /** Gives memory back for good. On the CPU the garbage collector does that and this does nothing. */
    void free(Storage storage);

    /** Copies {@code values} into {@code dst}, F32 or BF16, from its element {@code offset} on. */
    void write(Storage dst, int offset, float[] values, int from, int count);

    /** Copies {@code values} into {@code dst} from its element {@code offset} on. */
    void write(Storage dst, int offset, int[] values, int from, int count);

    /** Copies elements {@code [offset, offset + count)} of {@code src} into {@code values} from {@code to} on. */
    void read(Storage src, int offset, float[] values, int to, int count);

    /** Copies elements {@code [offset, offset + count)} of {@code src} into {@code values} from {@code to} on. */
    void read(Storage src, int offset, int[] values, int to, int count);

    /** Copies {@code count} elements between storages of this backend and of equal type. */
    void copy(Storage dst, int dstOffset, Storage src, int srcOffset, int count);

    /** Sets {@code count} elements of {@code dst}, F32 or BF16, to {@code value}. */
    void fill(Storage dst, int offset, int count, float value);

    /**
     * Runs {@code work} on this thread and, where a backend can, captures what it had the device do, so that it can be
     * replayed without the work around it: the CPU's counterpart of a CUDA graph. Here and in every replay the kernels
     * run in their order on the same memory, so they see what has been written to it in the meantime; nothing else may
     * differ from one time to the next. The memory must stay as it is for as long as there are replays.
     *
     * <p>For passes without gradients over one element per sequence. While a capture runs, {@link #write} and {@link
     * #read} on its thread are an error, as they would not be replayed, and so are scans and convolutions of longer
     * sequences. Replays are for one thread at a time; kernels may use memory of the thread that captured, so it must
     * not compute meanwhile.
     *
     * @return what replays it, allocating nothing; empty where this backend does not capture (the work has been done)
     * @throws IllegalStateException from inside another capture
     */
    default Optional<Runnable> capture(Runnable work) {
        work.run();
        return Optional.empty();
    }

    GemmKernels gemm();

    ElementwiseKernels elementwise();

    NormKernels norm();

    ConvKernels conv();

    PictureKernels picture();

    SsmKernels ssm();

    SoftmaxKernels softmax();

    IndexKernels index();

    OptimKernels optim();

    /** Bytes of device memory that storages occupy; 0 where the garbage collector keeps the books. */
    default long bytesInUse() {
        return 0;
    }

    /**
     * Waits until the device has done all that was submitted; where kernels return when they are done, there is nothing
     * to wait for.
     */
    default void synchronize() {}

    /** Work at the limits of the device; empty on the CPU, whose limits Java code can reach by itself. */
    default Optional<LimitKernels> limits() {
        return Optional.empty();
    }

    /** Kernels that do several operations of a decoding step at once; empty where a launch costs next to nothing. */
    default Optional<FusedKernels> fused() {
        return Optional.empty();
    }

    /** Draws tokens on the device; empty where that is the host, which reads the logits and draws itself. */
    default Optional<SamplingKernels> sampling() {
        return Optional.empty();
    }
}
