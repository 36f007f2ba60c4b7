package org.aimjvm.cuda;

import static org.aimjvm.cuda.Driver.check;

import java.lang.ref.Cleaner;
import java.util.List;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUstreamCaptureMode;
import jcuda.driver.JCudaDriver;

/** Captures what a thread submits as a CUDA graph, which is launched again for each replay. */
final class GraphCapture {
    private static final Cleaner CLEANER = Cleaner.create();

    private final Gpu gpu;
    private final DeviceMemory memory;

    GraphCapture(CudaContext context) {
        this.gpu = context.gpu();
        this.memory = context.memory();
    }

    /** What a capture holds until its replay can no longer be reached. */
    private record Held(Gpu gpu, DeviceMemory memory, CUgraphExec executable, List<DeviceMemory.Block> scratch)
            implements
                Runnable {
        @Override
        public void run() {
            synchronized (gpu) {
                gpu.enter();
                // on the collector's thread, with no caller to tell of a failure
                JCudaDriver.cuGraphExecDestroy(executable);
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

    /**
     * Does {@code work} by capturing and launching it; as {@link org.aimjvm.backend.Backend#capture}.
     *
     * @return what replays it
     * @throws IllegalStateException from inside another capture
     */
    Runnable capture(Runnable work) {
        synchronized (gpu) {
            if (gpu.isCapturing()) {
                throw new IllegalStateException("capture: inside another capture");
            }
            gpu.synchronize(); // so that kept memory can be given back to the driver while capturing
            CUgraphExec executable = graphOf(work);
            Replay replay = new Replay(gpu, executable);
            CLEANER.register(replay, new Held(gpu, memory, executable, memory.takeRetained()));
            replay.run(); // capturing has not done the work
            return replay;
        }
    }

    /** What replays {@code work}, which is not done; its scratch memory is retained. Leaves nothing if it fails. */
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
}
