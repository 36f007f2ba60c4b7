package org.aimjvm.backend;

import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Finds the backends on the class path. */
public final class Backends {
    /** System property with the default number of threads of CPU backends. */
    public static final String THREADS_PROPERTY = "aim.threads";
    /** System property naming the backend that {@link #best()} returns. */
    public static final String BACKEND_PROPERTY = "aim.backend";

    private static final Pattern NUMBERED = Pattern.compile("(\\w+):(\\d{1,3})");

    private Backends() {}

    private static Backend best; // under the lock of the class

    /** All providers on the class path, best first, available or not. */
    public static List<BackendProvider> providers() {
        List<BackendProvider> all = new ArrayList<>();
        ServiceLoader.load(BackendProvider.class, BackendProvider.class.getClassLoader()).forEach(all::add);
        all.sort((a, b) -> Integer.compare(b.priority(), a.priority()));
        return all;
    }

    /**
     * The available backend of highest priority, or the one named by the system property {@value #BACKEND_PROPERTY},
     * with {@link #defaultThreads()} threads. One instance per JVM.
     */
    public static synchronized Backend best() {
        if (best == null) {
            best = chooseBest();
        }
        return best;
    }

    private static Backend chooseBest() {
        String wanted = System.getProperty(BACKEND_PROPERTY);
        if (wanted != null) {
            return open(wanted, defaultThreads());
        }
        for (BackendProvider p : providers()) {
            if (p.availability().available()) {
                return openBest(p, BackendOptions.defaults());
            }
        }
        throw new BackendException("backend: none available: " + reasons());
    }

    /**
     * Opens a provider that was chosen because it works here. A GPU may yet refuse, being full or used by another
     * process; that is said, since the CPU would be far slower. Warns, once per process, of what is wrong with the JVM,
     * see {@link JvmFault}.
     *
     * @throws BackendException if it does not open; of a GPU, with the exception of its provider as cause
     */
    public static Backend openBest(BackendProvider provider, BackendOptions options) {
        JvmWarning.logOnce(provider.isCpu());
        try {
            return provider.open(options);
        } catch (BackendException e) {
            throw provider.isCpu()
                    ? e
                    : new BackendException(e.getMessage() + " (choose the CPU to do without)", e);
        }
    }

    /**
     * A new backend by name: of a provider, or of a backend that one has opened, such as {@code cuda:1}.
     *
     * @throws BackendException if there is none of that name or it is not available here
     */
    public static Backend open(String name, int threads) {
        Matcher device = NUMBERED.matcher(name);
        return device.matches()
                ? open(device.group(1), BackendOptions.threads(threads).withOrdinal(Integer.parseInt(device.group(2))))
                : open(name, BackendOptions.threads(threads));
    }

    /**
     * A new backend by the name of its provider.
     *
     * @throws BackendException if there is none of that name, it is not available here, or an option is not for it
     */
    public static Backend open(String name, BackendOptions options) {
        for (BackendProvider p : providers()) {
            if (p.name().equals(name)) {
                BackendProvider.Availability a = p.availability();
                if (!a.available() && options.ordinal() == 0) { // of other devices the provider knows itself
                    throw new BackendException("backend " + name + ": not available, " + a.reason());
                }
                return p.open(options);
            }
        }
        throw new BackendException("backend: " + name + " (expected one of "
                + providers().stream().map(BackendProvider::name).collect(Collectors.joining(", ")) + ")");
    }

    /** Each provider and why it works here or does not. */
    public static String reasons() {
        return providers().stream()
                .map(p -> p.name() + ": " + p.availability().reason())
                .collect(Collectors.joining("; "));
    }

    /** {@value #THREADS_PROPERTY} if set, else the number of processors. */
    public static int defaultThreads() {
        String value = System.getProperty(THREADS_PROPERTY);
        if (value == null) {
            return Runtime.getRuntime().availableProcessors();
        }
        try {
            int threads = Integer.parseInt(value);
            if (threads >= 1) {
                return threads;
            }
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(THREADS_PROPERTY + ": " + value + " (expected a number from 1)", e);
        }
        throw new IllegalArgumentException(THREADS_PROPERTY + ": " + value + " (expected a number from 1)");
    }
}
