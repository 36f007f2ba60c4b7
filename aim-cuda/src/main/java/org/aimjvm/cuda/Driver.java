package org.aimjvm.cuda;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import jcuda.CudaException;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import org.aimjvm.backend.BackendException;

/**
 * NVIDIA's driver library, loaded once, or the reason why it is not there. No other class of this package is touched
 * before {@link #problem} has said that it is.
 */
final class Driver {
    /** System property: the driver library to use instead of the system's {@code libcuda.so.1}. */
    static final String LIBRARY_PROPERTY = "aim.cuda.driver";

    /** The least that can load our PTX: the first driver of the CUDA 12 series. */
    private static final int MIN_VERSION = 12000;

    /** What the driver makes where it runs: the kernel's own device, and that of Windows' Linux subsystem. */
    private static final List<Path> DEVICES =
            List.of(Path.of("/dev/nvidiactl"), Path.of("/dev/dxg"), Path.of("/dev/nvhost-ctrl"));

    private Driver() {}

    private static final class Loaded {
        static final String PROBLEM = load();
    }

    /** Why there is no driver and what would help; {@code null} if there is one. */
    static String problem() {
        return Loaded.PROBLEM;
    }

    @SuppressWarnings("restricted") // loading a library is what this is for
    private static String load() {
        String library = System.getProperty(LIBRARY_PROPERTY);
        if (library == null && System.getProperty("os.name").startsWith("Linux")
                && DEVICES.stream().noneMatch(Files::exists)) {
            return "no NVIDIA GPU with a driver on this machine (there is no " + DEVICES.getFirst() + ")";
        }
        try {
            if (library != null) {
                // JCuda's library asks for libcuda.so.1 and gets what is already loaded under that name
                System.load(Path.of(library).toRealPath().toString());
            }
            int status = JCudaDriver.cuInit(0);
            if (status != CUresult.CUDA_SUCCESS) {
                return "the NVIDIA driver does not start: cuInit says " + name(status);
            }
            int[] version = new int[1];
            check(JCudaDriver.cuDriverGetVersion(version), "cuDriverGetVersion");
            if (version[0] < MIN_VERSION) {
                return "the NVIDIA driver is for CUDA " + versionText(version[0]) + ", expected "
                        + versionText(MIN_VERSION)
                        + " or newer (update the driver)";
            }
            return null;
        } catch (IOException e) {
            return LIBRARY_PROPERTY + ": cannot read " + library;
        } catch (LinkageError | CudaException e) {
            // of the first use; later ones would only say that the class is missing
            String message = String.valueOf(e.getMessage());
            String line = message.lines().filter(l -> l.contains("libcuda")).findFirst().orElse(
                    message.lines().findFirst().orElse(""));
            return "the NVIDIA driver library does not load: " + line.strip();
        }
    }

    /** The newest CUDA version that the driver knows, e.g. {@code 12.6}. */
    static String version() {
        int[] version = new int[1];
        check(JCudaDriver.cuDriverGetVersion(version), "cuDriverGetVersion");
        return versionText(version[0]);
    }

    private static String versionText(int version) {
        return version / 1000 + "." + version % 1000 / 10;
    }

    /**
     * Fails unless a driver call succeeded.
     *
     * @throws BackendException naming the call and its status
     */
    static void check(int status, String call) {
        if (status != CUresult.CUDA_SUCCESS) {
            throw new BackendException(call + ": " + name(status));
        }
    }

    /** Name and number of a status, e.g. {@code CUDA_ERROR_INVALID_VALUE (1)}. */
    static String name(int status) {
        return CUresult.stringFor(status) + " (" + status + ")";
    }
}
