package org.aimjvm.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Map;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Quantization;
import org.aimjvm.backend.Shape;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafeTensorsTest {
    @TempDir Path folder;

    private static final String X = "\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}";

    /** A file with the given header and number of data bytes. */
    static byte[] file(String header, int dataBytes) {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(8 + json.length + dataBytes)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(json.length)
                .put(json)
                .array();
    }

    private static SafeTensors read(byte[] file) {
        return SafeTensors.of(Path.of("some.safetensors"), MemorySegment.ofArray(file));
    }

    @Test
    void readsEveryTypeOfTheGoldenFile() {
        try (SafeTensors file = SafeTensors.open(FormatsGolden.file("variants.safetensors"))) {
            FormatsGolden.assertIsVariants(file);
        }
    }

    @Test
    void metadataMayBeNull() {
        String header = "{\"__metadata__\":null,\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";
        ByteBuffer bytes = ByteBuffer.allocate(8 + header.length() + 4).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(header.length()).put(header.getBytes(StandardCharsets.UTF_8)).putFloat(3);
        try (SafeTensors file = SafeTensors.of(Path.of("null"), MemorySegment.ofArray(bytes.array()))) {
            assertThat(file.metadata()).isEmpty();
            assertThat(file.readFloats("x")).containsExactly(3);
        }
    }

    @Test
    void writtenTensorsAndMetadataComeBack() {
        Path path = folder.resolve("new/deep/x.safetensors");
        float[] a = {1, -2.5f, Float.MIN_VALUE, Float.POSITIVE_INFINITY, Float.NaN, -0f};
        new SafeTensorsWriter()
                .metadata("format", "pt")
                .metadata(Map.of("weird \"key\"\n", "\u00e4\u4e2d\ud83d\ude00"))
                .floats("a", DType.F32, Shape.of(2, 3), () -> a)
                .floats("b", DType.F64, Shape.of(6), () -> a)
                .ints("c", DType.I64, Shape.of(2), () -> new int[] {Integer.MIN_VALUE, Integer.MAX_VALUE})
                .ints("d", DType.U8, Shape.of(2), () -> new int[] {0, 255})
                .ints("e", DType.I16, Shape.of(2), () -> new int[] {-32768, 32767})
                .ints("u", DType.U16, Shape.of(2), () -> new int[] {0, 65535})
                .ints("f", DType.I8, Shape.of(2), () -> new int[] {-128, 127})
                .ints("g", DType.BOOL, Shape.of(2), () -> new int[] {0, 1})
                .floats("scalar", DType.F32, Shape.of(), () -> new float[] {7})
                .floats("none", DType.F32, Shape.of(0, 4), () -> new float[0])
                .write(path);
        try (SafeTensors file = SafeTensors.open(path)) {
            assertThat(file.readFloats("a")).isEqualTo(a);
            assertThat(file.readFloats("b")).isEqualTo(a);
            assertThat(file.readInts("c")).containsExactly(Integer.MIN_VALUE, Integer.MAX_VALUE);
            assertThat(file.readInts("d")).containsExactly(0, 255);
            assertThat(file.readInts("e")).containsExactly(-32768, 32767);
            assertThat(file.readInts("u")).containsExactly(0, 65535);
            assertThat(file.readFloats("u")).containsExactly(0, 65535);
            assertThat(file.readInts("f")).containsExactly(-128, 127);
            assertThat(file.readInts("g")).containsExactly(0, 1);
            assertThat(file.readFloats("scalar")).containsExactly(7);
            assertThat(file.info("scalar").shape()).isEqualTo(Shape.of());
            assertThat(file.info("none").shape()).isEqualTo(Shape.of(0, 4));
            assertThat(file.metadata())
                    .containsOnly(
                            Map.entry("format", "pt"), Map.entry("weird \"key\"\n", "\u00e4\u4e2d\ud83d\ude00"));
        }
    }

    @Test
    void theBytesDoNotDependOnTheOrderOfAdding() throws IOException {
        Path one = folder.resolve("one");
        Path two = folder.resolve("two");
        new SafeTensorsWriter()
                .metadata("k", "v")
                .metadata("a", "b")
                .floats("x", DType.BF16, Shape.of(3), () -> new float[] {1, 2, 3})
                .floats("y", DType.F32, Shape.of(1), () -> new float[] {4})
                .write(one);
        new SafeTensorsWriter()
                .floats("y", DType.F32, Shape.of(1), () -> new float[] {4})
                .floats("x", DType.BF16, Shape.of(3), () -> new float[] {1, 2, 3})
                .metadata("a", "b")
                .metadata("k", "v")
                .write(two);
        byte[] bytes = Files.readAllBytes(one);
        assertThat(bytes).isEqualTo(Files.readAllBytes(two));
        String header = "{\"__metadata__\":{\"a\":\"b\",\"k\":\"v\"},"
                + "\"y\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                + "\"x\":{\"dtype\":\"BF16\",\"shape\":[3],\"data_offsets\":[4,10]}}";
        int length = (header.length() + 7) / 8 * 8;
        assertThat(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong()).isEqualTo(length);
        assertThat(new String(bytes, 8, length, StandardCharsets.UTF_8))
                .isEqualTo(header + " ".repeat(length - header.length()));
        assertThat(bytes).hasSize(8 + length + 10);
    }

    @ParameterizedTest
    @CsvSource({
        "1.0, 1.0",
        "1.00390625, 1.0", // halfway between two values, to the even one below
        "1.01171875, 1.015625", // halfway, to the even one above
        "1.003907, 1.0078125", // just above halfway
        "-1.01171875, -1.015625",
        "3.4028235e38, Infinity",
        "-Infinity, -Infinity",
        "1e-45, 0.0",
        "NaN, NaN"
    })
    void bf16RoundsToNearestEven(float x, float expected) {
        assertThat(Float.valueOf(Float.intBitsToFloat(Quantization.bf16Bits(x) << 16))).isEqualTo(Float.valueOf(
                expected));
    }

    @Test
    void aNanWithOnlyLowMantissaBitsStaysNanInBf16() {
        float nan = Float.intBitsToFloat(0x7f800001);
        assertThat(Float.intBitsToFloat(Quantization.bf16Bits(nan) << 16)).isNaN();
    }

    @Test
    void f16IsWrittenRounded() {
        Path path = folder.resolve("half");
        new SafeTensorsWriter()
                .floats("h", DType.F16, Shape.of(3), () -> new float[] {1 + 1f / 2048, 70000, 6e-8f})
                .write(path);
        try (SafeTensors file = SafeTensors.open(path)) {
            assertThat(file.readFloats("h")).containsExactly(1, Float.POSITIVE_INFINITY, 5.9604645e-8f);
        }
    }

    @Test
    void aSupplierOfTheWrongLengthFailsAndLeavesTheOldFile() throws IOException {
        Path path = folder.resolve("keep");
        Files.writeString(path, "old");
        SafeTensorsWriter writer =
                new SafeTensorsWriter().floats("x", DType.F32, Shape.of(2), () -> new float[3]);
        assertThatThrownBy(() -> writer.write(path))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("x: 3 values (expected 2 for shape (2))");
        assertThat(path).hasContent("old");
        assertThat(folder).isDirectoryNotContaining("glob:**.tmp");
    }

    @Test
    void integersOutOfRangeAreRefused() {
        SafeTensorsWriter writer =
                new SafeTensorsWriter().ints("x", DType.U8, Shape.of(1), () -> new int[] {256});
        assertThatThrownBy(() -> writer.write(folder.resolve("x")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("x: value 256");
    }

    @Test
    void namesAreAddedOnceAndTypesFit() {
        SafeTensorsWriter writer =
                new SafeTensorsWriter().floats("x", DType.F32, Shape.of(1), () -> new float[1]);
        assertThatThrownBy(() -> writer.floats("x", DType.F32, Shape.of(1), () -> new float[1]))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> writer.floats("__metadata__", DType.F32, Shape.of(1), () -> new float[1]))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> writer.floats("y", DType.I32, Shape.of(1), () -> new float[1]))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> writer.ints("y", DType.F16, Shape.of(1), () -> new int[1]))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void dataBeyondTwoGigabytesIsReached() throws IOException {
        Path path = folder.resolve("large.safetensors");
        long big = 600_000_000L * 4;
        String json = "{\"big\":{\"dtype\":\"F32\",\"shape\":[600000000],\"data_offsets\":[0," + big + "]},"
                + "\"small\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[" + big + "," + (big + 8) + "]}}";
        try (FileChannel out =
                FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE,
                        StandardOpenOption.SPARSE)) {
            out.write(ByteBuffer.wrap(file(json, 0)));
            ByteBuffer end = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
            end.putFloat(0, 1.5f).putFloat(4, -2);
            out.write(end, 8 + json.length() + big);
        }
        try (SafeTensors file = SafeTensors.open(path)) {
            assertThat(file.readFloats("small")).containsExactly(1.5f, -2);
            assertThat(file.info("big").bytes()).isEqualTo(big);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, Long.MIN_VALUE, 1L << 60, 100_000_001, 1000})
    void aLyingHeaderLengthIsRefused(long length) {
        byte[] file = file("{" + X + "}", 8);
        ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).putLong(0, length);
        assertThatThrownBy(() -> read(file))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("some.safetensors: header length " + Long.toUnsignedString(length));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "[]",
                "null",
                "{}x",
                "{\"x\":1}",
                "{\"x\":{\"dtype\":\"F32\",\"shape\":[2]}}",
                "{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}",
                "{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,9]}}",
                "{\"x\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}",
                "{\"x\":{\"dtype\":\"F32\",\"shape\":[NaN],\"data_offsets\":[0,8]}}",
                "{\"x\":{\"dtype\":\"F32\",\"shape\":[2.0],\"data_offsets\":[0,8]}}",
                "{\"x\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}",
                "{\"x\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999999],\"data_offsets\":[0,8]}}",
                "{\"x\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296,2],\"data_offsets\":[0,8]}}",
                "{\"x\":{\"dtype\":\"F32\",\"shape\":[65536,65536,65536,65536,2],\"data_offsets\":[0,8]}}",
                "{\"x\":{\"dtype\":\"F31\",\"shape\":[2],\"data_offsets\":[0,8]}}",
                "{\"x\":{\"dtype\":7,\"shape\":[2],\"data_offsets\":[0,8]}}",
                "{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}",
                "{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}}",
                "{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"z\":1}}",
                "{\"x\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
                "{" + X + "," + X + "}",
                // a gap, an overlap, data beyond the end, data without a tensor
                "{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
                "{" + X + ",\"y\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
                "{" + X + ",\"y\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}",
                "{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
                "{}",
                "{\"__metadata__\":{\"a\":1}," + X + "}",
                "{\"__metadata__\":\"a\"," + X + "}",
                "{\"__metadata__\":{\"a\":\"1\",\"a\":\"1\"}," + X + "}",
                "{\"__metadata__\":{},\"__metadata__\":{}," + X + "}",
            })
    void aDamagedHeaderIsRefused(String header) {
        assertThatThrownBy(() -> read(file(header, 8)))
                .isInstanceOf(CheckpointException.class)
                .hasMessageStartingWith("some.safetensors: ");
    }

    @Test
    void deepNestingIsRefused() {
        String deep = "{\"x\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}";
        assertThatThrownBy(() -> read(file(deep, 0))).isInstanceOf(CheckpointException.class);
        String shape = "{\"x\":{\"shape\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}}";
        assertThatThrownBy(() -> read(file(shape, 0))).isInstanceOf(CheckpointException.class);
        String rank = "{\"x\":{\"dtype\":\"F32\",\"shape\":[" + "1,".repeat(100_000) + "1],\"data_offsets\":[0,4]}}";
        assertThatThrownBy(() -> read(file(rank, 4))).isInstanceOf(CheckpointException.class);
    }

    @Test
    void invalidUtf8IsRefused() {
        byte[] file = file("{" + X + "}", 8);
        file[10] = (byte) 0xff;
        assertThatThrownBy(() -> read(file)).isInstanceOf(CheckpointException.class);
    }

    @Test
    void everyTruncationIsRefused() throws IOException {
        byte[] whole = Files.readAllBytes(FormatsGolden.file("variants.safetensors"));
        for (int n = 0; n < whole.length; n++) {
            byte[] cut = Arrays.copyOf(whole, n);
            assertThatThrownBy(() -> read(cut)).as("%d bytes", n).isInstanceOf(CheckpointException.class);
        }
    }

    @Test
    void messagesNamePathAndTensor() {
        String bad = "{\"layers.0.weight\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}";
        assertThatThrownBy(() -> read(file(bad, 8)))
                .isInstanceOfSatisfying(CheckpointException.class, e -> {
                    assertThat(e.path()).isEqualTo(Path.of("some.safetensors"));
                    assertThat(e.tensor()).isEqualTo("layers.0.weight");
                })
                .hasMessage("some.safetensors: layers.0.weight: data_offsets [0, 8], expected 12 bytes for F32 (3)");
        SafeTensors good = read(file("{" + X + "}", 8));
        assertThatThrownBy(() -> good.readFloats("y")).hasMessage("some.safetensors: y: no such tensor");
        assertThatThrownBy(() -> good.info("y")).isInstanceOf(CheckpointException.class);
        assertThatThrownBy(() -> good.readInts("x"))
                .hasMessage("some.safetensors: x: type F32, expected an integer type");
        assertThatThrownBy(() -> SafeTensors.open(folder.resolve("absent")))
                .isInstanceOf(CheckpointException.class)
                .hasMessageEndingWith("no such file");
        assertThatThrownBy(() -> SafeTensors.open(folder))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("is a folder");
    }

    @Test
    void aClosedFileSaysSo() {
        SafeTensors file = SafeTensors.open(FormatsGolden.file("variants.safetensors"));
        file.close();
        file.close();
        assertThatThrownBy(() -> file.readFloats("f32"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
    }
}
