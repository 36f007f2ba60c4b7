package org.aimjvm.cli.command;

import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.aimjvm.backend.BackendProvider;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.JvmFault;
import org.aimjvm.backend.JvmWarning;
import org.aimjvm.command.Console;
import org.aimjvm.command.ExitCode;
import org.aimjvm.command.Version;
import picocli.CommandLine.Command;

/** {@code aim doctor}: what this machine and this JVM offer, and what is missing. */
@Command(
        name = "doctor",
        description = "Report the JVM, its flags and memory, and which backends work here and why others do not.")
public final class DoctorCommand implements Callable<Integer> {
    private static final String VECTOR_MODULE = "jdk.incubator.vector";

    private final Console console;

    DoctorCommand(Console console) {
        this.console = console;
    }

    /** Returns 1 if no backend works, so that scripts can ask. */
    @Override
    public Integer call() {
        line("aim", Version.aim());
        line("java",
                Runtime.version() + ", " + System.getProperty("java.vm.name") + ", " + System.getProperty("java.home"));
        line("system", System.getProperty("os.name") + " " + System.getProperty("os.arch") + ", "
                + Runtime.getRuntime().availableProcessors() + " processors");
        line("flags", flags());
        line("heap", (Runtime.getRuntime().maxMemory() >> 20) + " MiB at most (change it with AIM_JAVA_OPTS=-Xmx4g)");
        line("threads",
                Backends.defaultThreads() + " (change it with AIM_JAVA_OPTS=-D" + Backends.THREADS_PROPERTY + "=1)");
        line("simd", ModuleLayer.boot().findModule(VECTOR_MODULE).isPresent()
                ? "module " + VECTOR_MODULE + " is on"
                : "module " + VECTOR_MODULE + " is off, start java with --add-modules=" + VECTOR_MODULE);
        List<JvmFault> faults = JvmFault.here().stream().filter(fault -> fault != JvmFault.NO_SIMD).toList();
        line("jvm", faults.isEmpty() ? "no known fault of this version and its flags" : "faults follow");
        faults.forEach(fault -> line("fault", fault.toString()));
        JvmWarning.leaveToProgram();
        List<BackendProvider> providers = Backends.providers();
        boolean any = false;
        for (BackendProvider p : providers) {
            BackendProvider.Availability a = p.availability();
            line("backend", p.name() + ": " + (a.available() ? "works" : "not available") + ", " + a.reason());
            any |= a.available();
        }
        if (any) {
            line("uses", Backends.best().name() + ": " + Backends.best().description());
        }
        return any ? ExitCode.OK : ExitCode.FAILED;
    }

    private static String flags() {
        List<String> flags = ManagementFactory.getRuntimeMXBean().getInputArguments();
        return flags.isEmpty() ? "none" : String.join(" ", flags);
    }

    private void line(String what, String value) {
        console.out().printf(Locale.ROOT, "%-8s %s%n", what, value);
    }
}
