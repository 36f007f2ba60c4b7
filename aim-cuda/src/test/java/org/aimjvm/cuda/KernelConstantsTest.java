package org.aimjvm.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.Field;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.aimjvm.backend.ElementwiseKernels;
import org.aimjvm.backend.ResizeShape;
import org.aimjvm.backend.SamplingKernels;
import org.aimjvm.backend.WeightFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What launchers and kernels both know is the same in both. */
class KernelConstantsTest {
    private static String source(String file) {
        return KernelSources.text(KernelSources.FOLDER.resolve(file));
    }

    private static int java(String type, String field) throws ReflectiveOperationException {
        Field f = Class.forName("org.aimjvm.cuda." + type).getDeclaredField(field);
        f.setAccessible(true);
        return f.getInt(null);
    }

    @ParameterizedTest
    @CsvSource({
        "common.cuh, WARP, Grid, WARP",
        "norm.cu, PER, Grid, PER",
        "normed.cuh, PER, Grid, PER",
        "softmax.cu, PER, Grid, PER",
        "norm.cu, MAX_THREADS, CudaNormKernels, MAX_ROW_THREADS",
        "norm.cu, THREADS, CudaNormKernels, THREADS",
        "norm.cu, TILE, CudaNormKernels, TILE",
        "softmax.cu, MAX_THREADS, CudaSoftmaxKernels, THREADS",
        "attention.cu, THREADS, CudaSoftmaxKernels, THREADS",
        "attention.cu, TILE, CudaSoftmaxKernels, TILE",
        "attention.cu, FEW_THREADS, CudaSoftmaxKernels, FEW_THREADS",
        "elementwise.cu, THREADS, CudaElementwiseKernels, THREADS",
        "elementwise.cu, ITEMS, CudaElementwiseKernels, ITEMS",
        "elementwise.cu, WARP, CudaElementwiseKernels, TILE",
        "index.cu, THREADS, CudaIndexKernels, THREADS",
        "index.cu, ITEMS, CudaIndexKernels, ITEMS",
        "index.cu, GROUP, CudaIndexKernels, GROUP",
        "index.cu, COLUMNS, CudaIndexKernels, COLUMNS",
        "index.cu, CODE, CudaIndexKernels, CODE",
        "index.cu, WARP, CudaIndexKernels, TILE",
        "limits.cu, THREADS, CudaLimitKernels, THREADS",
        "limits.cu, CHAINS, CudaLimitKernels, CHAINS",
        "batch_norm.cu, THREADS, CudaNormKernels, THREADS",
        "optim.cu, THREADS, CudaOptimKernels, THREADS",
        "picture.cu, THREADS, CudaPictureKernels, THREADS",
        "optim.cu, ITEMS, CudaOptimKernels, ITEMS",
        "sampling.cu, THREADS, CudaSamplingKernels, THREADS",
        "conv.cu, THREADS, CudaConvKernels, THREADS",
        "conv.cu, THREADS, ConvPacking, THREADS",
        "conv.cu, THREADS, CudaConvGradient, THREADS",
        "conv.cu, DIRECT_OUT, CudaConvKernels, DIRECT_OUT",
        "conv.cu, PACK_CHANNELS, ConvPacking, PACK_CHANNELS",
        "conv.cu, PACK_PIXELS, ConvPacking, PACK_PIXELS",
        "conv_packed.cuh, LINE_STEP, ConvPacking, LINE_STEP",
        "conv_packed.cuh, RUN, CudaConvGradient, RUN_STEP",
        "conv1d.cu, THREADS, CudaCausalConv1d, THREADS",
        "conv1d.cu, WARP, CudaCausalConv1d, TILE",
        "selective_scan.cu, THREADS, CudaSelectiveScan, THREADS",
        "selective_scan.cu, CHUNK, CudaSelectiveScan, CHUNK",
        "selective_scan.cu, WIDTH, CudaSelectiveScan, WIDTH",
        "selective_scan.cu, MIN_LANES, CudaSelectiveScan, MIN_GRADIENT_LANES",
        "ssd_sizes.cuh, CHUNK, CudaSsdMemory, CHUNK",
        "ssd_sizes.cuh, TILE, CudaSsdMemory, TILE",
        "ssd_sizes.cuh, THREADS, CudaSsdScan, THREADS",
        "ssd.cu, ROWS, CudaSsdScan, ROWS",
        "linear.cuh, CONV_WIDTH, CudaFusedKernels, CONV_WIDTH",
    })
    void isWhatTheKernelHas(String file, String constant, String type, String field)
            throws ReflectiveOperationException {
        assertThat(java(type, field)).as("%s.%s, %s of kernels/%s", type, field, constant, file)
                .isEqualTo(KernelSources.constant(source(file), constant, Map.of()));
    }

    @Test
    void blocksOfTokensAndWeights() {
        assertThat(SamplingKernels.BLOCK).isEqualTo(KernelSources.constant(source("sampling.cu"), "BLOCK", Map.of()));
        assertThat(WeightFormat.BLOCK).isEqualTo(KernelSources.constant(source("linear.cuh"), "BLOCK", Map.of()));
    }

    @Test
    void warpsOfANormalisation() throws ReflectiveOperationException {
        assertThat(java("CudaFusedKernels", "MAX_WARPS") * Grid.WARP)
                .isEqualTo(KernelSources.constant(source("normed.cuh"), "MAX_THREADS", Map.of()))
                .isEqualTo(KernelSources.constant(source("norm.cu"), "MAX_THREADS", Map.of()));
    }

    /** Threads of a block by the edge of its tile. */
    @ParameterizedTest
    @CsvSource({"F32, 64", "BF16X3, 64", "BF16X3, 128", "BF16X2, 64", "BF16X2, 128", "TF32, 64", "TF32, 128",
        "BF16, 64",
        "BF16, 128"})
    void threadsOfATile(String precision, int edge) throws ReflectiveOperationException {
        String shape = KernelSources.struct(source("tile.cuh"), "TileShape");
        int kernel = KernelSources.constant(
                shape, "THREADS",
                Map.of("EDGE", edge, "PRECISION", precision.hashCode(), "Precision::F32", "F32".hashCode()));
        boolean plain = precision.equals("F32");
        assertThat(java("CudaGemmKernels", edge == 128 || plain ? "THREADS" : "SMALL_THREADS")).isEqualTo(kernel);
        assertThat(java("LinearKernels", edge == 128 || plain ? "LARGE_THREADS" : "SMALL_THREADS")).isEqualTo(kernel);
        assertThat(java("ConvPacking", "THREADS") / (edge == 128 || plain ? 1 : 2)).isEqualTo(kernel);
    }

    /**
     * Lanes of a row of weights, and the shared memory of a warp that streams them: stages of 16 bytes, and INT4
     * scales.
     */
    @ParameterizedTest
    @EnumSource(WeightFormat.class)
    void ringsOfAStream(WeightFormat format) {
        String stream = KernelSources.struct(source("linear.cuh"), "Stream");
        Map<String, Integer> names = new HashMap<>(Map.of("F", format.ordinal(), "WARP", Grid.WARP));
        for (WeightFormat f : WeightFormat.values()) {
            names.put("Format::" + f.name(), f.ordinal());
        }
        assertThat(LinearKernels.lanes(format)).isEqualTo(KernelSources.constant(stream, "LANES", names));
        for (int rows = 1; rows <= 16; rows *= 2) {
            names.put("R", rows);
            int stages = KernelSources.constant(stream, "STAGES", names);
            int bytes = 16 + (format == WeightFormat.INT4 ? Float.BYTES : 0);
            assertThat(LinearKernels.ringBytes(format, rows)).as("%s, %d rows", format, rows)
                    .isEqualTo(stages * bytes * Grid.WARP);
        }
    }

    /** Kernels are told a function, or a grid, by its number. */
    @Test
    void enumsAreInTheSameOrder() {
        assertThat(names("Unary", "elementwise.cu"))
                .isEqualTo(Arrays.stream(ElementwiseKernels.Unary.values()).map(Enum::name).toList());
        assertThat(names("Grid", "picture.cu"))
                .isEqualTo(Arrays.stream(ResizeShape.Grid.values()).map(Enum::name).toList());
    }

    private static List<String> names(String type, String file) {
        Matcher list = Pattern.compile("enum " + type + " \\{([^}]*)\\}").matcher(source(file));
        assertThat(list.find()).isTrue();
        return List.of(list.group(1).strip().split("\\s*,\\s*"));
    }

    @Test
    void constantsAreComputedAsInTheSources() {
        String text =
                "constexpr int A = 3;\nconstexpr int B = A <= 2 ? 8 : A == 3 || A < 1 ? (A + 1) * -2 << 1 : 5 / 2;";
        assertThat(KernelSources.constant(text, "B", Map.of())).isEqualTo(-16);
        assertThat(KernelSources.constant(text, "B", Map.of("A", 2))).isEqualTo(8);
        assertThat(KernelSources.constant(text, "B", Map.of("A", 4))).isEqualTo(2);
        assertThatThrownBy(() -> KernelSources.constant(text, "C", Map.of()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("constexpr int: C (expected one in the sources of the kernels)");
        assertThatThrownBy(() -> KernelExpression.value("3 % 2", n -> 0)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("constant: 3 % 2, expected ints");
    }
}
