package org.aimjvm.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.SplittableRandom;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Quantization;
import org.aimjvm.backend.Shape;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.backend.WeightMatrix;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Weight matrices as integers in files. */
class QuantizedTensorsTest {
    private static final int OUT = 5;
    private static final int IN = 64;

    @TempDir private Path dir;

    @ParameterizedTest
    @EnumSource(WeightFormat.class)
    void whatIsWrittenIsRead(WeightFormat format) {
        WeightMatrix matrix = matrix(IN);
        Path path = dir.resolve("w.safetensors");
        SafeTensorsWriter file = new SafeTensorsWriter();
        QuantizedTensors.add(file, "w", Shape.of(OUT, IN), format, () -> matrix);
        file.floats("other", DType.F32, Shape.of(2), () -> new float[] {1, 2});
        file.write(path);
        try (TensorSource source = Checkpoints.open(path)) {
            assertThat(source.names()).containsExactlyInAnyOrder("w", "other");
            assertThat(source.info("w").shape()).isEqualTo(Shape.of(OUT, IN));
            assertThat(source.storedAs("w")).isEqualTo(format.name());
            assertThat(source.storedAs("other")).isEqualTo("F32");
            assertThat(source.matrix("w").format()).isEqualTo(format);
            float[] expected = matrix.to(format).floats();
            if (format == WeightFormat.BF16) {
                for (int i = 0; i < expected.length; i++) {
                    expected[i] = Quantization.toBf16(expected[i]);
                }
            }
            assertThat(source.readFloats("w")).isEqualTo(expected);
            assertThat(source.matrix("w").floats()).isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void tensorsOfEveryTypeAreCopiedAsTheyAreStored(DType type) {
        boolean isFloating = switch (type) {
            case F64, F32, F16, BF16 -> true;
            default -> false;
        };
        SafeTensorsWriter first = new SafeTensorsWriter();
        if (isFloating) {
            first.floats("t", type, Shape.of(2), () -> new float[] {0.5f, 1});
        } else if (type == DType.I64) {
            first.longs("t", Shape.of(2), () -> new long[] {0, 1});
        } else {
            first.ints("t", type, Shape.of(2), () -> new int[] {0, 1});
        }
        first.write(dir.resolve("first.safetensors"));
        try (TensorSource source = Checkpoints.open(dir.resolve("first.safetensors"))) {
            SafeTensorsWriter second = new SafeTensorsWriter();
            QuantizedTensors.addStored(second, source, "t");
            second.write(dir.resolve("second.safetensors"));
        }
        try (TensorSource copy = Checkpoints.open(dir.resolve("second.safetensors"))) {
            assertThat(copy.info("t").dtype()).isEqualTo(type);
            assertThat(copy.readFloats("t")).containsExactly(isFloating ? 0.5f : 0, 1);
        }
    }

    @Test
    void rowsThatAreNoMultipleOfABlockStayBf16() {
        Path path = dir.resolve("w.safetensors");
        SafeTensorsWriter file = new SafeTensorsWriter();
        QuantizedTensors.add(file, "w", Shape.of(OUT, 40), WeightFormat.INT4, () -> matrix(40));
        file.write(path);
        try (TensorSource source = Checkpoints.open(path)) {
            assertThat(source.storedAs("w")).isEqualTo("BF16");
        }
    }

    @Test
    void mappedRowsOutliveTheirFile() {
        Path path = dir.resolve("w.safetensors");
        WeightMatrix matrix = matrix(IN);
        SafeTensorsWriter file = new SafeTensorsWriter();
        QuantizedTensors.add(file, "w", Shape.of(OUT, IN), WeightFormat.F32, () -> matrix);
        file.write(path);
        TensorSource source = Checkpoints.open(path);
        WeightMatrix mapped = source.matrix("w");
        assertThat(mapped).isInstanceOf(WeightMatrix.Mapped.class);
        source.close();
        assertThat(mapped.floats()).isEqualTo(matrix.floats());
        assertThatThrownBy(() -> source.readFloats("w")).isInstanceOf(IllegalStateException.class);
    }

    @ParameterizedTest
    @CsvSource({"I8, 4, 64, 5", "I8, 5, 64, 4", "U8, 5, 32, 5", "U8, 5, 20, 5"})
    void partsThatDoNotFitAreNamed(DType type, int rows, int columns, int scales) {
        Path path = dir.resolve("w.safetensors");
        SafeTensorsWriter file = new SafeTensorsWriter();
        file.ints("w", type, Shape.of(rows, columns), () -> new int[rows * columns]);
        file.floats("w_scale", DType.F32, Shape.of(scales), () -> new float[scales]);
        file.write(path);
        assertThatThrownBy(() -> Checkpoints.open(path)).isInstanceOf(CheckpointException.class)
                .hasMessageContaining("w_scale")
                .hasMessageContaining("expected");
    }

    @Test
    void aTensorThatIsCalledScaleIsJustThat() {
        Path path = dir.resolve("w.safetensors");
        SafeTensorsWriter file = new SafeTensorsWriter();
        file.floats("w", DType.F32, Shape.of(1), () -> new float[] {3});
        file.floats("w_scale", DType.F32, Shape.of(1), () -> new float[] {4});
        file.write(path);
        try (TensorSource source = Checkpoints.open(path)) {
            assertThat(source.names()).containsExactlyInAnyOrder("w", "w_scale");
            assertThat(source.readFloats("w_scale")).containsExactly(4);
        }
    }

    private static WeightMatrix matrix(int in) {
        SplittableRandom random = new SplittableRandom(in);
        float[] w = new float[OUT * in];
        for (int i = 0; i < w.length; i++) {
            w[i] = (float) random.nextDouble(-1, 1);
        }
        return new WeightMatrix.Floats(OUT, in, WeightFormat.F32, w::clone);
    }
}
