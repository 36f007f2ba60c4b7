package org.aimjvm.cuda;

import static org.aimjvm.cuda.Driver.check;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmodule;
import jcuda.driver.JCudaDriver;
import org.aimjvm.backend.BackendException;

/**
 * The kernels of one file, {@code kernels/NAME.cu}, compiled by the driver for the GPU at hand from the PTX in our resources (the
 * driver keeps what it has compiled in a cache of its own). What a kernel takes is read from the PTX, so a launch with other
 * arguments fails in Java, not on the device.
 */
final class KernelModule {
    private static final Pattern PARAMETER = Pattern.compile("\\.param\\s+\\.(?:align\\s+\\d+\\s+\\.)?(\\w+)");

    private final Gpu gpu;
    private final String name;
    private final String ptx;
    private final CUmodule module = new CUmodule();

    KernelModule(Gpu gpu, String name) {
        this.gpu = gpu;
        this.name = name;
        String resource = name + ".ptx";
        try (InputStream in = KernelModule.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new BackendException("kernels: no resource " + resource + " (kernels/build.sh makes it)");
            }
            this.ptx = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        synchronized (gpu) {
            gpu.enter();
            check(JCudaDriver.cuModuleLoadData(module, ptx), "cuModuleLoadData of " + resource);
            gpu.resources().add(module);
        }
    }

    /**
     * A kernel by name.
     *
     * @throws BackendException if there is none
     */
    Kernel kernel(String kernel) {
        Matcher entry = Pattern.compile("\\.entry\\s+" + kernel + "\\s*\\(([^)]*)\\)").matcher(ptx);
        if (!entry.find()) {
            throw new BackendException("kernels: no " + kernel + " in " + name + ".ptx");
        }
        List<Kernel.Parameter> parameters = new ArrayList<>();
        Matcher parameter = PARAMETER.matcher(entry.group(1));
        while (parameter.find()) {
            parameters.add(switch (parameter.group(1)) {
                case "u64", "b64", "s64" -> Kernel.Parameter.WORD64;
                case "u32", "b32", "s32" -> Kernel.Parameter.INT;
                case "f32" -> Kernel.Parameter.FLOAT;
                case "f64" -> Kernel.Parameter.DOUBLE;
                default ->
                        throw new BackendException(
                                "kernels: " + kernel + " has a parameter of type " + parameter.group(1)
                                        + ", expected a pointer, int, long, float or double");
            });
        }
        CUfunction function = new CUfunction();
        synchronized (gpu) {
            gpu.enter();
            check(JCudaDriver.cuModuleGetFunction(function, module, kernel), "cuModuleGetFunction of " + kernel);
        }
        return new Kernel(gpu, kernel, function, parameters);
    }
}
