package org.aimjvm.backend;

import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/** Logs what is wrong with this JVM, once per process, when a backend is chosen without being named. */
public final class JvmWarning {
    private static final AtomicBoolean DONE = new AtomicBoolean();

    private JvmWarning() {}

    /** Nothing is logged from now on: for programs that tell their users themselves, by {@link JvmFault#here}. */
    public static void leaveToProgram() {
        DONE.set(true);
    }

    /** @param cpu whether what was chosen computes on the CPU: else it does not matter how fast that is */
    static void logOnce(boolean cpu) {
        if (DONE.compareAndSet(false, true)) {
            List<JvmFault> faults = JvmFault.here();
            faults.stream().filter(fault -> cpu || fault != JvmFault.NO_SIMD).forEach(
                    fault -> System.getLogger("org.aimjvm").log(System.Logger.Level.WARNING, fault.toString()));
        }
    }
}
