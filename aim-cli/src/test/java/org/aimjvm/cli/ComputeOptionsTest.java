package org.aimjvm.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.BackendException;
import org.aimjvm.command.ComputeOptions;
import org.aimjvm.command.Console;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.ParameterException;

/** Which backend a command gets, and that slow computing is said. */
class ComputeOptionsTest {
    /** A command that only says which backend it got. */
    @Command(name = "probe")
    static final class Probe {
        @Mixin private ComputeOptions compute;

        static Backend backend(String... args) {
            Probe probe = new Probe();
            new CommandLine(probe).parseArgs(args);
            return probe.compute.backend(Console.ofProcess());
        }

        public static void main(String[] args) {
            System.out.println(backend(args).description());
        }
    }

    @Test
    void theBestBackendIsTheDefault() {
        assertThat(Probe.backend().name()).isEqualTo("vector");
        assertThat(Probe.backend("--threads", "3").description()).contains("3 threads");
    }

    @Test
    void aBackendCanBeChosen() {
        assertThat(Probe.backend("--backend", "scalar").name()).isEqualTo("scalar");
    }

    @Test
    void aDeviceCanBeChosen() {
        assertThat(Probe.backend("--device", "cpu").name()).isEqualTo("vector");
        assertThat(Probe.backend("--device", "auto").name()).isEqualTo("vector");
        assertThatThrownBy(() -> Probe.backend("--device", "cpu", "--backend", "scalar"))
                .isInstanceOf(ParameterException.class)
                .hasMessage("--device: given with --backend scalar, expected one of the two");
        for (String wrong : new String[] {"gpu", "cuda:", "cuda:-1", "cuda:x", "CPU"}) {
            assertThatThrownBy(() -> Probe.backend("--device", wrong)).isInstanceOf(ParameterException.class)
                    .hasMessageContaining(wrong + ", expected auto, cpu, cuda or cuda:N");
        }
    }

    @Test
    void aGpuThatIsNotThereIsAReason() {
        for (String[] asked : new String[][] {{"--device", "cuda"}, {"--device", "cuda:7"}, {"--backend", "cuda"},
            {"--backend", "cuda:7"}}) {
            assertThatThrownBy(() -> Probe.backend(asked)).isInstanceOf(BackendException.class)
                    .hasMessageStartingWith("backend cuda").hasMessageContaining("not available, ");
        }
    }

    @Test
    void theCpuMultipliesInF32Only() {
        assertThat(Probe.backend("--device", "cpu", "--matmul", "f32").name()).isEqualTo("vector");
        assertThatThrownBy(() -> Probe.backend("--device", "cpu", "--matmul", "tf32"))
                .isInstanceOf(BackendException.class)
                .hasMessageContaining("products in tf32, expected f32");
        assertThatThrownBy(() -> Probe.backend("--matmul", "half")).isInstanceOf(ParameterException.class)
                .hasMessageContaining("half, expected f32, bf16x3, tf32 or bf16");
    }

    @Test
    void wrongNamesAndCountsAreWrongUsage() {
        assertThatThrownBy(() -> Probe.backend("--backend", "gpu")).isInstanceOf(ParameterException.class)
                .hasMessageStartingWith("--backend: gpu, expected one of ").hasMessageContaining("scalar");
        assertThatThrownBy(() -> Probe.backend("--threads", "0")).isInstanceOf(ParameterException.class)
                .hasMessage("--threads: 0, expected at least 1");
    }

    @Test
    void complaintsAboutOptionValuesAreWrongUsage() {
        CommandLine command = new CommandLine(new Probe());
        assertThat(ComputeOptions.<Integer>checked(command.getCommandSpec(), () -> 5)).isEqualTo(5);
        assertThatThrownBy(() -> ComputeOptions.checked(command.getCommandSpec(), () -> {
            throw new IllegalArgumentException("topK: -1, expected at least 0");
        })).isInstanceOf(ParameterException.class).hasMessage("topK: -1, expected at least 0");
    }

    @Test
    void withoutTheVectorModuleItSaysOnceThatItIsSlowAndWhatToAdd() throws Exception {
        CliProcess p = CliProcess.java(Probe.class, List.of());
        assertThat(p.exit()).isZero();
        assertThat(p.err()).hasLineCount(1).startsWith("aim: SIMD is off, so the CPU computes about 13 times slower ")
                .contains("--add-modules=jdk.incubator.vector");
        assertThat(CliProcess.java(Probe.class, List.of(), "--backend", "scalar").err()).isEmpty();
        assertThat(CliProcess.java(Probe.class, List.of(), "--backend", "scalar", "--verbose").err())
                .isEqualToIgnoringNewLines("aim: backend scalar, plain loops, 1 thread");
    }
}
