package org.aimjvm.cli;

import java.util.function.Supplier;
import org.aimjvm.tensor.Backend;
import org.aimjvm.tensor.BackendProvider;
import org.aimjvm.tensor.Backends;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options {@code --backend} and {@code --threads}; a mixin of every command that computes. */
final class ComputeOptions {
    private static final String SIMD = "vector";
    private static final String REFERENCE = "scalar";

    @Spec(Spec.Target.MIXEE) private CommandSpec command;

    @Option(
            names = "--backend",
            paramLabel = "NAME",
            description = "What computes; 'aim doctor' lists the names (default: the best that works here).") private String backend;

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "Threads on the CPU (default: one for each processor). Results do not depend on it.") private Integer threads;

    /**
     * The backend asked for, or the best one. If that is the scalar one because SIMD is off, says so in one line on standard
     * error, whoever watches: it is much slower.
     *
     * @throws ParameterException if there is no backend of that name, or {@code --threads} is below 1
     * @throws org.aimjvm.tensor.BackendException if it does not work here
     */
    Backend backend(Console console) {
        int n = threads();
        String name = backend == null ? System.getProperty(Backends.BACKEND_PROPERTY) : backend;
        if (n < 1) {
            throw usage("--threads: " + n + ", expected at least 1");
        }
        if (name != null) {
            if (Backends.providers().stream().noneMatch(p -> p.name().equals(name))) {
                throw usage("--backend: " + name + ", expected one of "
                        + String.join(", ", Backends.providers().stream().map(BackendProvider::name).toList()));
            }
            return Backends.open(name, n);
        }
        Backend best = Backends.best();
        if (best.name().equals(REFERENCE)) {
            Backends.providers().stream().filter(p -> p.name().equals(SIMD)).findFirst().ifPresent(p -> console.err()
                    .println("aim: backend scalar, slow: SIMD is off, " + p.availability().reason()));
        }
        return threads == null ? best : openBest(n);
    }

    /** Threads asked for, or one for each processor. */
    int threads() {
        return threads == null ? Backends.defaultThreads() : threads;
    }

    private static Backend openBest(int threads) {
        return Backends.providers().stream()
                .filter(p -> p.availability().available())
                .findFirst()
                .orElseThrow() // Backends.best() found one
                .open(threads);
    }

    /**
     * What {@code make} makes of option values, with a complaint of the library about them turned into wrong usage.
     *
     * @throws ParameterException if {@code make} throws {@link IllegalArgumentException}
     */
    static <T> T checked(CommandSpec command, Supplier<T> make) {
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
