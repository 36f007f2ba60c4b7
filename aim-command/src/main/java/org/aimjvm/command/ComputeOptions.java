package org.aimjvm.command;

import java.util.Locale;
import java.util.function.Supplier;
import org.aimjvm.Device;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.BackendException;
import org.aimjvm.backend.BackendOptions;
import org.aimjvm.backend.BackendProvider;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.JvmFault;
import org.aimjvm.backend.JvmWarning;
import org.aimjvm.backend.MatmulPrecision;
import org.aimjvm.backend.StateFormat;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Where and how a command computes; a mixin of every command that does. */
public final class ComputeOptions {
    private static final String REFERENCE = "scalar";

    @Spec(Spec.Target.MIXEE) private CommandSpec command;

    @Recorded(Recorded.As.NOTHING)
    @Option(
            names = "--device",
            paramLabel = "DEVICE",
            converter = DeviceName.class,
            description = "Where to compute: auto (a GPU if one works, else the CPU), cpu, cuda, or cuda:N for GPU N (default: auto).") private Device device;

    @Recorded(Recorded.As.NOTHING)
    @Option(
            names = "--backend",
            paramLabel = "NAME",
            description = "What computes, by name instead of by device; 'aim doctor' lists the names.") private String backend;

    @Option(
            names = "--matmul",
            paramLabel = "PRECISION",
            converter = Precision.class,
            description = {
                "How a GPU multiplies matrices that are held in F32: f32 exactly, bf16x3 nearly so and faster, tf32 or "
                        + "bf16 rounded and fastest (default: f32; the CPU has no other)."
            }) private MatmulPrecision matmul;

    @Recorded(Recorded.As.NOTHING)
    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "Threads on the CPU (default: one for each processor). Results do not depend on it.") private Integer threads;

    @Recorded(Recorded.As.NOTHING)
    @Option(names = "--verbose", description = "Say on standard error what computes.") private boolean verbose;

    /** Reads a {@link Device}. */
    static final class DeviceName implements ITypeConverter<Device> {
        @Override
        public Device convert(String value) {
            try {
                return Device.parse(value);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(value + ", expected auto, cpu, cuda or cuda:N");
            }
        }
    }

    /** Reads a {@link MatmulPrecision}. */
    static final class Precision implements ITypeConverter<MatmulPrecision> {
        @Override
        public MatmulPrecision convert(String value) {
            try {
                return MatmulPrecision.valueOf(value.toUpperCase(Locale.ROOT));
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(value + ", expected f32, bf16x3, tf32 or bf16");
            }
        }
    }

    /**
     * The backend asked for, or the best one. If the JVM makes that slow or unsafe, says so on standard error, whoever
     * watches, in one line for each {@link JvmFault}.
     *
     * @throws ParameterException if there is no backend of that name, options contradict each other, or {@code
     *     --threads} is below 1
     * @throws org.aimjvm.backend.BackendException if it does not work here
     */
    public Backend backend(Console console) {
        return backend(console, "");
    }

    /** As {@link #backend(Console)}; {@code --verbose} names the format of the states too. */
    public Backend backend(Console console, StateFormat states) {
        return backend(console, ", states in " + states);
    }

    private Backend backend(Console console, String more) {
        Backend chosen = choose(console);
        if (verbose) {
            console.err().println("aim: backend " + chosen.name() + ", " + chosen.description() + more);
        }
        return chosen;
    }

    private Backend choose(Console console) {
        BackendOptions options = options();
        if (device != null && backend != null) {
            throw usage("--device: given with --backend " + backend + ", expected one of the two");
        }
        String name = backend != null || device != null ? backend : System.getProperty(Backends.BACKEND_PROPERTY);
        if (name != null) {
            return byName(name, options);
        }
        JvmWarning.leaveToProgram();
        Backend chosen = automatic(options);
        JvmFault.here().stream()
                .filter(fault -> fault != JvmFault.NO_SIMD || chosen.name().equals(REFERENCE))
                .forEach(fault -> console.err().println("aim: " + fault));
        return chosen;
    }

    private Backend automatic(BackendOptions options) {
        Device where = device == null ? Device.auto() : device;
        try {
            return threads == null && matmul == null && device == null
                    ? Backends.best()
                    : where.withMatmul(options.matmul()).open(options.threads());
        } catch (BackendException e) {
            if (e.getCause() instanceof BackendException refused) { // a GPU that is there
                throw new BackendException(
                        refused.getMessage() + " (choose the CPU to do without: --device cpu)", e);
            }
            throw e;
        }
    }

    private BackendOptions options() {
        int n = threads();
        if (n < 1) {
            throw usage("--threads: " + n + ", expected at least 1");
        }
        return new BackendOptions(n, 0, matmul == null ? MatmulPrecision.F32 : matmul);
    }

    private Backend byName(String name, BackendOptions options) {
        int colon = name.indexOf(':');
        String provider = colon < 0 ? name : name.substring(0, colon);
        String number = colon < 0 ? "0" : name.substring(colon + 1);
        if (!number.matches("\\d{1,3}")
                || Backends.providers().stream().noneMatch(p -> p.name().equals(provider))) {
            throw usage("--backend: " + name + ", expected one of "
                    + String.join(", ", Backends.providers().stream().map(BackendProvider::name).toList()));
        }
        return Backends.open(provider, options.withOrdinal(Integer.parseInt(number)));
    }

    /** Threads asked for, or one for each processor. */
    public int threads() {
        return threads == null ? Backends.defaultThreads() : threads;
    }

    /**
     * What {@code make} makes of option values, with a complaint of the library about them turned into wrong usage.
     *
     * @throws ParameterException if {@code make} throws {@link IllegalArgumentException}
     */
    public static <T> T checked(CommandSpec command, Supplier<T> make) {
        try {
            return make.get();
        } catch (IllegalArgumentException e) {
            throw new ParameterException(command.commandLine(), e.getMessage(), e);
        }
    }

    private ParameterException usage(String message) {
        return new ParameterException(command.commandLine(), message);
    }
}
