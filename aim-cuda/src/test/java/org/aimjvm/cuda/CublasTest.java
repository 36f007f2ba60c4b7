package org.aimjvm.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.BackendException;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.GemmShape;
import org.aimjvm.backend.MatmulPrecision;
import org.aimjvm.backend.Storage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Both bindings of cuBLAS are loaded and called, each in a process of its own with a stand-in for the library ({@code
 * kernels/emulator/cublas.cpp}) where the system's loader looks; without one there is a reason.
 */
class CublasTest {
    @TempDir Path folder;

    /**
     * Says what computes products of a precision, and how far one of each layout and kind is from the scalar backend's.
     */
    public static final class Probe {
        private Probe() {}

        public static void main(String[] args) {
            CudaBackend cuda = new CudaBackend(0, MatmulPrecision.valueOf(args[0]));
            System.out.println(cuda.description());
            try {
                for (int kind = 0; kind < 8; kind++) {
                    double error = error(cuda, kind % 2 + 1, (kind & 1) != 0, (kind & 2) != 0, (kind & 4) != 0);
                    System.out.println("error " + (error < 1e-6 ? "small" : String.valueOf(error)));
                }
                small(cuda);
            } catch (BackendException e) {
                System.out.println("failed: " + e.getMessage());
            }
        }

        private static Storage of(Backend b, long seed, int n) {
            Storage s = b.allocate(DType.F32, n);
            b.write(s, 0, Twin.floats(seed, -1, 1, n), 0, n);
            return s;
        }

        /** A product that is too small to be given to the library. */
        private static void small(CudaBackend cuda) {
            int n = 127 * 128;
            cuda.gemm().gemm(of(cuda, 1, n), of(cuda, 2, n), of(cuda, 3, 128 * 128), GemmShape.of(127, 128, 128),
                    false);
        }

        private static double error(CudaBackend cuda, int batch, boolean transA, boolean transB, boolean accumulate) {
            int m = 128;
            int n = 130;
            int k = 133;
            float[][] results = new float[2][batch * m * n];
            Backend[] both = {cuda, CudaTests.reference()};
            for (int i = 0; i < 2; i++) {
                Storage c = of(both[i], 1, batch * m * n);
                both[i].gemm().gemm(c, of(both[i], 2, batch * m * k), of(both[i], 3, batch * k * n),
                        new GemmShape(batch, m, n, k, transA, transB), accumulate);
                both[i].read(c, 0, results[i], 0, results[i].length);
            }
            double worst = 0;
            for (int i = 0; i < results[0].length; i++) {
                worst = Math.max(worst, Math.abs(results[0][i] - (double) results[1][i]) / k);
            }
            return worst;
        }
    }

    /** Where the stand-in for a version is; the test is skipped unless it runs on the emulated device. */
    private static Path standIn(int version) {
        String driver = System.getProperty(Driver.LIBRARY_PROPERTY, "");
        Path library = Path.of(driver).resolveSibling("cublas-" + version).resolve("libcublas.so." + version);
        assumeTrue(!driver.isEmpty() && Files.exists(library), "no stand-in for cuBLAS: not the emulated device");
        return library.getParent().toAbsolutePath();
    }

    private List<String> probe(String precision, Map<String, String> environment, Path... libraries)
            throws IOException, InterruptedException {
        return probe(System.getProperty("java.class.path"), System.getProperty("java.io.tmpdir"), precision,
                environment, libraries);
    }

    /** @param unpacked where natives are unpacked, or found if they have been */
    private List<String> probe(String classPath, String unpacked, String precision, Map<String, String> environment,
            Path... libraries)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED", "-Djava.io.tmpdir=" + unpacked,
                        "-D" + Driver.LIBRARY_PROPERTY + "=" + System.getProperty(Driver.LIBRARY_PROPERTY), "-cp",
                        classPath, Probe.class.getName(), precision));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().putAll(environment);
        builder.environment().put("AIM_CUBLAS_LOG", folder.resolve("calls").toString());
        builder.environment().put(
                "LD_LIBRARY_PATH", String.join(File.pathSeparator, Stream.of(libraries).map(Path::toString).toList()));
        Process p = builder.start();
        String output = new String(p.getInputStream().readAllBytes());
        assertThat(p.waitFor()).as(output).isZero();
        return output.lines().toList();
    }

    private List<String> calls() throws IOException {
        return Files.exists(folder.resolve("calls")) ? Files.readAllLines(folder.resolve("calls")) : List.of();
    }

    private void isCalledRight(int compute) throws IOException {
        String end = " batch %d compute " + compute + " algorithm -1";
        String sizes = " 130 128 133 alpha 1 lda %d 17290 ldb %d 17024 beta %d ldc 130 16640";
        List<String> expected = new ArrayList<>(List.of("create", "stream", "workspace 33554432", "math 0"));
        for (int kind = 0; kind < 8; kind++) { // B^T A^T by columns: what is transposed is the other operand
            boolean transA = (kind & 1) != 0;
            boolean transB = (kind & 2) != 0;
            expected.add(
                    "product " + (transB ? "t" : "n") + (transA ? "t" : "n")
                            + sizes.formatted(transB ? 133 : 130, transA ? 128 : 133, kind / 4)
                            + end.formatted(kind % 2 + 1));
        }
        assertThat(calls()).isEqualTo(expected);
    }

    @Test
    void ofCuda12IsCalledThroughJCublas() throws IOException, InterruptedException {
        List<String> output = probe("TF32", Map.of(), standIn(12), standIn(13));
        assertThat(output.getFirst()).endsWith("products in tf32 (cuBLAS 12.6 by JCublas)");
        assertThat(output.subList(1, output.size())).hasSize(8).containsOnly("error small");
        isCalledRight(CublasCalls.COMPUTE_32F_FAST_TF32);
    }

    @Test
    void ofCuda13IsCalledByTheOwnBinding() throws IOException, InterruptedException {
        List<String> output = probe("BF16", Map.of(), standIn(13));
        assertThat(output.getFirst()).endsWith("products in bf16 (cuBLAS 13.6 by own binding)");
        assertThat(output.subList(1, output.size())).hasSize(8).containsOnly("error small");
        isCalledRight(CublasCalls.COMPUTE_32F_FAST_16BF);
    }

    @Test
    void whatDoesNotStartIsAReason() throws IOException, InterruptedException {
        Path[] both = {standIn(12), standIn(13)};
        for (Path library : both) {
            assertThat(probe("TF32", Map.of("AIM_CUBLAS_FAIL", "create"), library).getFirst())
                    .endsWith("(own products, cuBLAS does not start: cublasCreate: status 13)");
            assertThat(probe("TF32", Map.of("AIM_CUBLAS_FAIL", "workspace"), library).getFirst())
                    .endsWith("(own products, cuBLAS does not start: cublasSetWorkspace: status 13)");
        }
        assertThat(calls()).endsWith("create", "stream", "workspace 33554432", "destroy");
    }

    @Test
    void aProductThatFailsSaysWhichOne() throws IOException, InterruptedException {
        Path[] both = {standIn(12), standIn(13)};
        for (Path library : both) {
            assertThat(probe("TF32", Map.of("AIM_CUBLAS_FAIL", "product"), library)).hasSize(2).last()
                    .isEqualTo("failed: cublasGemmStridedBatchedEx: status 13 (batch 1, m 128, n 130, k 133)");
        }
    }

    @Test
    void jcublasThatDoesNotLoadIsAReason() throws IOException, InterruptedException {
        String without = Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(p -> !p.contains("jcublas-natives")).collect(Collectors.joining(File.pathSeparator));
        assertThat(probe(without, folder.toString(), "TF32", Map.of(), standIn(12)).getFirst())
                .contains("(own products, cuBLAS does not start: JCublas does not load: ");
    }

    @Test
    void aFileThatIsNoLibraryIsPassedOver() throws IOException, InterruptedException {
        Files.writeString(folder.resolve("libcublas.so.12"), "not a library");
        assertThat(probe("TF32", Map.of(), folder, standIn(13)).getFirst())
                .endsWith("products in tf32 (cuBLAS 13.6 by own binding)");
    }

    @Test
    void withoutALibraryThereIsAReason() {
        CudaContext context = CudaTests.backend(MatmulPrecision.TF32).context();
        assertThat(CudaTests.backend(MatmulPrecision.TF32).description())
                .containsPattern("products in tf32 \\((cuBLAS \\d+\\.\\d+ by .+|own products, .+)\\)$");
        assertThat(CudaTests.backend().description())
                .endsWith("products in f32 (own products, whose bits do not depend on the batch)");
        Cublas.Version one = new Cublas.Version("libabsent.so.1", "own binding", ForeignCublasCalls::open);
        Cublas.Version two = new Cublas.Version("libabsent.so.2", "own binding", ForeignCublasCalls::open);
        assertThat(Cublas.choose(context, "auto", List.of(one, two), 0))
                .isEqualTo(new Cublas.Choice(null, "own products, no libabsent.so.1 or libabsent.so.2"));
        assertThat(Cublas.choose(context, "off", List.of(one), 0))
                .isEqualTo(new Cublas.Choice(null, "own products, aim.cuda.cublas is off"));
    }

    @Test
    void aLibraryOfAnotherKindIsAReason() {
        Path other = Path.of(System.getProperty("java.home"), "lib", System.mapLibraryName("zip"));
        assumeTrue(Files.exists(other), "no library to take for cuBLAS");
        Cublas.Version version = new Cublas.Version(other.toString(), "own binding", ForeignCublasCalls::open);
        CudaContext context = CudaTests.backend(MatmulPrecision.TF32).context();
        assertThat(Cublas.choose(context, "auto", List.of(version), 0).text())
                .isEqualTo("own products, cuBLAS does not start: the library has no cublasCreate_v2");
    }

    @Test
    void refusesAnUnknownChoice() {
        CudaTests.backend();
        System.setProperty(Cublas.PROPERTY, "on");
        try {
            assertThatThrownBy(() -> CudaTests.backend(MatmulPrecision.TF32))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("aim.cuda.cublas: on, expected auto or off");
        } finally {
            System.clearProperty(Cublas.PROPERTY);
        }
    }
}
