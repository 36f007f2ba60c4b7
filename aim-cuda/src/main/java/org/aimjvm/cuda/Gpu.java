package org.aimjvm.cuda;

import static org.aimjvm.cuda.Driver.check;

import java.lang.ref.Cleaner;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUmodule;
import jcuda.driver.CUstream;
import jcuda.driver.CUstream_flags;
import jcuda.driver.JCudaDriver;
import org.aimjvm.backend.BackendException;

/**
 * One GPU: its primary context, the one stream that all our work runs on in order, and what it can do. Calls of several
 * threads are made one after another by its lock.
 */
final class Gpu {
    /** The least compute capability that our PTX runs on: asynchronous copies, bf16 and tf32 tensor cores. */
    static final int MIN_CAPABILITY = 80;

    private static final Cleaner CLEANER = Cleaner.create();

    /** A stream whose address can be read. */
    private static final class Stream extends CUstream {
        long address() {
            return getNativePointer();
        }
    }

    /**
     * All that the driver holds for a GPU, to be given back when it can no longer be reached. Must not refer to it.
     * Runs on the collector's thread, with no caller to tell of a failure.
     */
    static final class Resources implements Runnable {
        private final CUdevice device;
        private final CUcontext context;
        private final CUstream stream;
        private final Set<CUdeviceptr> memory = Collections.newSetFromMap(new IdentityHashMap<>());
        private final Set<CUmodule> modules = Collections.newSetFromMap(new IdentityHashMap<>());
        private final Set<Pointer> pinned = Collections.newSetFromMap(new IdentityHashMap<>());
        private final List<Runnable> users = new ArrayList<>();

        private Resources(CUdevice device, CUcontext context, CUstream stream) {
            this.device = device;
            this.context = context;
            this.stream = stream;
        }

        void add(CUdeviceptr p) {
            memory.add(p);
        }

        void remove(CUdeviceptr p) {
            memory.remove(p);
        }

        void add(CUmodule module) {
            modules.add(module);
        }

        void addPinned(Pointer p) {
            pinned.add(p);
        }

        /** @param end what another library does to let go of the stream and of memory, before these are given back */
        void addUser(Runnable end) {
            users.add(end);
        }

        @Override
        public void run() {
            JCudaDriver.cuCtxSetCurrent(context);
            JCudaDriver.cuStreamSynchronize(stream);
            users.forEach(Runnable::run);
            memory.forEach(JCudaDriver::cuMemFree);
            pinned.forEach(JCudaDriver::cuMemFreeHost);
            modules.forEach(JCudaDriver::cuModuleUnload);
            JCudaDriver.cuStreamDestroy(stream);
            JCudaDriver.cuDevicePrimaryCtxRelease(device);
        }
    }

    private final int ordinal;
    private final CUdevice device = new CUdevice();
    private final CUcontext context = new CUcontext();
    private final Stream stream = new Stream();
    private final int capability;
    private final int multiprocessors;
    private final Resources resources;
    private volatile Thread capturer; // null: no thread captures

    /** @throws BackendException if there is no such device, or it cannot be used */
    Gpu(int ordinal) {
        String problem = problem(ordinal);
        if (problem != null) {
            throw new BackendException("backend cuda:" + ordinal + ": not available, " + problem);
        }
        this.ordinal = ordinal;
        check(JCudaDriver.cuDeviceGet(device, ordinal), "cuDeviceGet");
        this.capability = capability(device);
        this.multiprocessors = attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
        check(JCudaDriver.cuDevicePrimaryCtxRetain(context, device), "cuDevicePrimaryCtxRetain");
        enter();
        check(JCudaDriver.cuStreamCreate(stream, CUstream_flags.CU_STREAM_NON_BLOCKING), "cuStreamCreate");
        this.resources = new Resources(device, context, stream);
        CLEANER.register(this, resources);
    }

    /** What is given back with this GPU; to be used under its lock. */
    Resources resources() {
        return resources;
    }

    /** Number of GPUs that the driver knows; to be called only where {@link Driver#problem} is {@code null}. */
    static int count() {
        int[] count = new int[1];
        check(JCudaDriver.cuDeviceGetCount(count), "cuDeviceGetCount");
        return count[0];
    }

    /** Why a GPU cannot be used and what would help; {@code null} if it can. */
    static String problem(int ordinal) {
        String problem = Driver.problem();
        if (problem != null) {
            return problem;
        }
        int count = count();
        if (count == 0) {
            return "the NVIDIA driver finds no GPU (is CUDA_VISIBLE_DEVICES set?)";
        }
        if (ordinal < 0 || ordinal >= count) {
            return "there is no such GPU, expected 0 to " + (count - 1);
        }
        CUdevice device = new CUdevice();
        check(JCudaDriver.cuDeviceGet(device, ordinal), "cuDeviceGet");
        int capability = capability(device);
        if (capability < MIN_CAPABILITY) {
            return name(device) + " has compute capability " + decimal(capability) + ", expected "
                    + decimal(MIN_CAPABILITY) + " or higher";
        }
        return null;
    }

    /** One line for users: name, memory, driver. */
    static String describe(int ordinal) {
        CUdevice device = new CUdevice();
        check(JCudaDriver.cuDeviceGet(device, ordinal), "cuDeviceGet");
        long[] bytes = new long[1];
        check(JCudaDriver.cuDeviceTotalMem(bytes, device), "cuDeviceTotalMem");
        return name(device) + ", compute capability " + decimal(capability(device)) + ", " + (bytes[0] >> 20)
                + " MiB, driver for CUDA " + Driver.version();
    }

    private static String decimal(int tenfold) {
        return tenfold / 10 + "." + tenfold % 10;
    }

    private static String name(CUdevice device) {
        byte[] name = new byte[128];
        check(JCudaDriver.cuDeviceGetName(name, name.length, device), "cuDeviceGetName");
        int length = 0;
        while (length < name.length && name[length] != 0) {
            length++;
        }
        return new String(name, 0, length, StandardCharsets.UTF_8);
    }

    private static int capability(CUdevice device) {
        return 10 * attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
                + attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
    }

    private static int attribute(CUdevice device, int attribute) {
        int[] value = new int[1];
        check(JCudaDriver.cuDeviceGetAttribute(value, attribute, device), "cuDeviceGetAttribute");
        return value[0];
    }

    /** The value of a {@link CUdevice_attribute}. */
    int attribute(int attribute) {
        return attribute(device, attribute);
    }

    int ordinal() {
        return ordinal;
    }

    /** Compute capability times ten: 80, 86, 89, 90. */
    int capability() {
        return capability;
    }

    int multiprocessors() {
        return multiprocessors;
    }

    CUstream stream() {
        return stream;
    }

    /** What other libraries know the stream by. */
    long streamAddress() {
        return stream.address();
    }

    /** Makes the context this thread's; before every driver call that needs one. */
    void enter() {
        check(JCudaDriver.cuCtxSetCurrent(context), "cuCtxSetCurrent");
    }

    /** Waits for all that was submitted; reports what went wrong in it. */
    synchronized void synchronize() {
        enter();
        check(JCudaDriver.cuStreamSynchronize(stream), "cuStreamSynchronize");
    }

    /** Whether submitted work is being captured instead of done. */
    boolean isCapturing() {
        return capturer != null;
    }

    /** Whether this thread captures; others wait for the lock until the capture is over. */
    boolean isCapturedHere() {
        return capturer == Thread.currentThread();
    }

    /** @param thread the one that captures from now on, {@code null} for none */
    void setCapturer(Thread thread) {
        capturer = thread;
    }
}
