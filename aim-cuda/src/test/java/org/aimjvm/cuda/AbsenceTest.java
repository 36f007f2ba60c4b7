package org.aimjvm.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.aimjvm.backend.BackendException;
import org.aimjvm.backend.BackendProvider;
import org.aimjvm.backend.Backends;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Without a driver, or with a broken one, there is a reason, and everything else works. */
class AbsenceTest {
    /** Prints what there is, opens the best backend, and asks for the one that is not there. */
    public static final class Probe {
        private Probe() {}

        public static void main(String[] args) {
            for (BackendProvider p : Backends.providers()) {
                System.out.println(p.name() + ": " + p.availability());
            }
            System.out.println("best: " + Backends.best().name());
            try {
                Backends.open("cuda", 1);
            } catch (BackendException e) {
                System.out.println("cuda: " + e.getMessage());
            }
        }
    }

    private static String probe(String... flags) throws IOException, InterruptedException {
        List<String> command =
                new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(List.of(flags));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Probe.class.getName()));
        Process p = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(p.getInputStream().readAllBytes());
        assertThat(p.waitFor()).as(output).isZero();
        return output;
    }

    @Test
    void withoutADriver() throws IOException, InterruptedException {
        assumeFalse(Files.exists(Path.of("/dev/nvidiactl")), "this machine has a driver");
        assertThat(probe())
                .contains("cuda: Availability[available=false, reason=no NVIDIA GPU with a driver on this machine")
                .contains("best: scalar").contains("cuda: backend cuda: not available, no NVIDIA GPU");
    }

    @Test
    void withADriverThatIsNotThere() throws IOException, InterruptedException {
        assertThat(probe("-Daim.cuda.driver=nowhere/libcuda.so.1"))
                .contains("aim.cuda.driver: cannot read nowhere/libcuda.so.1")
                .contains("best: scalar");
    }

    @Test
    void withADriverThatIsNone(@TempDir Path folder) throws IOException, InterruptedException {
        Path file = Files.writeString(folder.resolve("libcuda.so.1"), "not a library");
        assertThat(probe("-Daim.cuda.driver=" + file)).contains("the NVIDIA driver library does not load")
                .contains("best: scalar");
    }
}
