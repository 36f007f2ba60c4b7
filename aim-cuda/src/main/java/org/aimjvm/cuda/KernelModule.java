package org.aimjvm.cuda;

import static org.aimjvm.cuda.Driver.check;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmodule;
import jcuda.driver.JCudaDriver;
import org.aimjvm.backend.BackendException;

/**
 * The kernels of one file, {@code kernels/NAME.cu}, compiled by the driver for the GPU at hand from the PTX in our
 * resources (the driver keeps what it has compiled in a cache of its own). What a kernel takes is read from the PTX, so
 * a launch with other arguments fails in Java, not on the device; what its parameters are called, which the PTX has
 * lost, from the resource {@value #NAMES}: a line per kernel, its name and those of its parameters in order. A test
 * compares it with the sources.
 */
final class KernelModule {
    private static final Pattern PARAMETER = Pattern.compile("\\.param\\s+\\.(?:align\\s+\\d+\\s+\\.)?(\\w+)");

    /** The resource with the names of the kernels' parameters. */
    static final String NAMES = "parameters.txt";

    private static final class Loaded {
        static final Map<String, List<String>> NAMES_OF = loadNames();
    }

    private final Gpu gpu;
    private final String name;
    private final String ptx;
    private final CUmodule module = new CUmodule();

    KernelModule(Gpu gpu, String name) {
        this.gpu = gpu;
        this.name = name;
        String resource = name + ".ptx";
        this.ptx = resource(resource, "kernels/build.sh makes it");
        synchronized (gpu) {
            gpu.enter();
            check(JCudaDriver.cuModuleLoadData(module, ptx), "cuModuleLoadData of " + resource);
            gpu.resources().add(module);
        }
    }

    private static String resource(String name, String cure) {
        try (InputStream in = KernelModule.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new BackendException("kernels: no resource " + name + " (" + cure + ")");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Map<String, List<String>> loadNames() {
        Map<String, List<String>> names = new HashMap<>();
        resource(NAMES, "KernelParametersTest makes it").lines().forEach(line -> {
            List<String> words = List.of(line.split(" "));
            names.put(words.getFirst(), words.subList(1, words.size()));
        });
        return Map.copyOf(names);
    }

    /**
     * The names of a kernel's parameters in order.
     *
     * @throws BackendException if there is no such kernel
     */
    static List<String> names(String kernel) {
        List<String> names = Loaded.NAMES_OF.get(kernel);
        if (names == null) {
            throw new BackendException("kernels: no " + kernel + " in " + NAMES + " (KernelParametersTest makes it)");
        }
        return names;
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
        List<String> names = names(kernel);
        if (names.size() != parameters.size()) {
            throw new BackendException(
                    "kernels: " + kernel + " has " + parameters.size() + " parameters in the PTX, expected " + names);
        }
        CUfunction function = new CUfunction();
        synchronized (gpu) {
            gpu.enter();
            check(JCudaDriver.cuModuleGetFunction(function, module, kernel), "cuModuleGetFunction of " + kernel);
        }
        return new Kernel(gpu, kernel, function, parameters, names);
    }
}
