package org.aimjvm.backend;

import com.sun.management.HotSpotDiagnosticMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** A fault of the JVM that makes it slow or unsafe to compute in, with its reason and its cure. */
public enum JvmFault {
    /** The Vector API is an incubator module, which the JVM does not resolve by itself. */
    NO_SIMD("SIMD is off, so the CPU computes about 13 times slower than it can: the module jdk.incubator.vector is not"
            + " resolved (start java with --add-modules=jdk.incubator.vector)") {
        @Override
        boolean isIn(Jvm jvm) {
            return !jvm.vectorModule;
        }
    },
    /** JDK-8377811: an optional evacuation moves arrays that native code has pinned, as that of java.util.zip does. */
    G1_MOVES_PINNED_ARRAYS(
            "G1 of JDK 25.0.0 to 25.0.2 may corrupt arrays that are read or written under zip, as in PNG, NPZ and"
                    + " PyTorch files (JDK-8377811; use JDK 25.0.3 or newer, or start java with -XX:+UseParallelGC)") {
        @Override
        boolean isIn(Jvm jvm) {
            Runtime.Version v = jvm.version;
            return v.feature() == 25 && v.interim() == 0 && v.update() <= 2 && jvm.flag.test("UseG1GC");
        }
    },
    /** JDK-8380060: compiled {@code String.getBytes} gives wrong bytes. */
    COMPACT_HEADERS("compact object headers of JDK 25 may give wrong bytes of strings, as in the headers of weights"
            + " (JDK-8380060; start java without -XX:+UseCompactObjectHeaders)") {
        @Override
        boolean isIn(Jvm jvm) {
            return jvm.version.feature() == 25 && jvm.flag.test(Jvm.COMPACT);
        }
    };

    /**
     * What is asked of a JVM.
     *
     * @param vectorModule whether the module jdk.incubator.vector is resolved
     * @param flag whether a flag that is on or off is on
     */
    record Jvm(Runtime.Version version, boolean vectorModule, Predicate<String> flag) {
        private static final String COMPACT = "UseCompactObjectHeaders"; // off unless it is given
        private static final List<String> VARIABLES =
                List.of("JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS");
        /** Options that name files of options. */
        private static final List<String> FILES = List.of("-XX:Flags", "-XX:VMOptionsFile");

        static Jvm current() {
            return new Jvm(
                    Runtime.version(), ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent(), Jvm::isOn);
        }

        private static boolean isOn(String name) {
            if (name.equals(COMPACT) && !mayBeGiven(name)) {
                return false;
            }
            HotSpotDiagnosticMXBean flags = ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class);
            try {
                return flags != null && Boolean.parseBoolean(flags.getVMOption(name).getValue());
            } catch (IllegalArgumentException e) { // a JVM without that flag
                return false;
            }
        }

        /** Whether a flag may be among those the JVM was started with: asking for its value costs some 50 ms. */
        private static boolean mayBeGiven(String name) {
            Optional<String[]> arguments = ProcessHandle.current().info().arguments();
            if (arguments.isEmpty()) { // this system does not tell
                return true;
            }
            Stream<String> given = Stream.concat(
                    Arrays.stream(arguments.get()), VARIABLES.stream().map(System::getenv).filter(Objects::nonNull));
            return given.anyMatch(
                    o -> o.contains(name) || o.startsWith("@") || FILES.stream().anyMatch(o::contains));
        }
    }

    private final String text;

    JvmFault(String text) {
        this.text = text;
    }

    /** Whether {@code jvm} has it; asks for a flag only where the version may have it. */
    abstract boolean isIn(Jvm jvm);

    /** Those of this JVM. */
    public static List<JvmFault> here() {
        return in(Jvm.current());
    }

    static List<JvmFault> in(Jvm jvm) {
        return Arrays.stream(values()).filter(fault -> fault.isIn(jvm)).toList();
    }

    /** What is wrong, why, and the cure. */
    @Override
    public String toString() {
        return text;
    }
}
