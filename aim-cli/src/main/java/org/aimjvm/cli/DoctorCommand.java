package org.aimjvm.cli;

import java.lang.management.ManagementFactory;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** {@code aim doctor}: what this machine and this JVM offer, and what is missing. */
@Command(
        name = "doctor",
        description = "Report the JVM, its flags and memory, and which backends work here and why others do not.")
final class DoctorCommand implements Callable<Integer> {
    private final Console console;

    DoctorCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        line("aim", Version.aim());
        line("java", Runtime.version() + ", " + System.getProperty("java.vm.name") + ", "
                + System.getProperty("java.home"));
        line("system", System.getProperty("os.name") + " " + System.getProperty("os.arch") + ", "
                + Runtime.getRuntime().availableProcessors() + " processors");
        line("heap", (Runtime.getRuntime().maxMemory() >> 20) + " MiB at most (AIM_JAVA_OPTS=-Xmx4g changes it)");
        line("flags", String.join(" ", ManagementFactory.getRuntimeMXBean().getInputArguments()));
        return Aim.OK;
    }

    private void line(String what, String value) {
        console.out().printf("%-8s %s%n", what, value);
    }
}
