package org.aimjvm.cuda;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUmodule;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;

/**
 * All that the driver holds for a {@link Gpu}, to be given back when nobody can reach that any more. Must not refer to it. Runs on the
 * collector's thread, where nobody is there to hear of a failure.
 */
final class DriverResources implements Runnable {
    private final CUdevice device;
    private final CUcontext context;
    private final CUstream stream;
    private final Set<CUdeviceptr> memory = Collections.newSetFromMap(new IdentityHashMap<>());
    private final Set<CUmodule> modules = Collections.newSetFromMap(new IdentityHashMap<>());
    private final Set<Pointer> pinned = Collections.newSetFromMap(new IdentityHashMap<>());
    private final List<Runnable> users = new ArrayList<>();

    DriverResources(CUdevice device, CUcontext context, CUstream stream) {
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
