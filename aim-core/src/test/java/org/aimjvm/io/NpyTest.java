package org.aimjvm.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NpyTest {
    @TempDir Path folder;

    /** A version {@code major}.0 file with the given header text and {@code data}. */
    static byte[] file(int major, String header, byte... data) {
        byte[] text = header.getBytes(StandardCharsets.UTF_8);
        ByteBuffer out = ByteBuffer.allocate(8 + (major == 1 ? 2 : 4) + text.length + data.length)
                .order(ByteOrder.LITTLE_ENDIAN);
        out.put((byte) 0x93).put("NUMPY".getBytes(StandardCharsets.US_ASCII)).put((byte) major).put((byte) 0);
        if (major == 1) {
            out.putShort((short) text.length);
        } else {
            out.putInt(text.length);
        }
        return out.put(text).put(data).array();
    }

    private static Npy read(byte[] file) {
        return Npy.parse(Path.of("some.npy"), null, MemorySegment.ofArray(file));
    }

    @Test
    void writtenArraysComeBack() {
        Path f = folder.resolve("f.npy");
        Npy.write(f, Shape.of(2, 2), new float[] {1, -2, 3.5f, Float.NaN});
        assertThat(Npy.read(f).floats()).containsExactly(1, -2, 3.5f, Float.NaN);
        assertThat(Npy.read(f).shape()).isEqualTo(Shape.of(2, 2));
        Npy.write(f, Shape.of(2), new long[] {Long.MIN_VALUE, 5});
        assertThat(Npy.read(f).longs()).containsExactly(Long.MIN_VALUE, 5);
        assertThat(Npy.read(f).dtype()).isEqualTo(DType.I64);
        assertThatThrownBy(() -> Npy.read(f).ints()).isInstanceOf(CheckpointException.class);
        Npy.write(f, Shape.of(3), new int[] {-1, 0, 7});
        assertThat(Npy.read(f).ints()).containsExactly(-1, 0, 7);
        Npy.write(f, Shape.of(), new byte[] {(byte) 200});
        assertThat(Npy.read(f).ints()).containsExactly(200);
        assertThat(Npy.read(f).shape()).isEqualTo(Shape.of());
        Npy.write(f, Shape.of(0, 4), new float[0]);
        assertThat(Npy.read(f).floats()).isEmpty();
        assertThatThrownBy(() -> Npy.write(f, Shape.of(2), new float[3])).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void bytesAreThoseNumpyWrites() throws IOException {
        for (String tensor : FormatsGolden.FLOATS) {
            Path path = FormatsGolden.file("expected_" + tensor + ".npy");
            Path copy = folder.resolve(tensor);
            Npy.write(copy, Npy.read(path).shape(), Npy.read(path).floats());
            assertThat(Files.readAllBytes(copy)).as(tensor).isEqualTo(Files.readAllBytes(path));
        }
        Path path = FormatsGolden.file("expected_i64.npy");
        Npy.write(folder.resolve("i64"), Npy.read(path).shape(), Npy.read(path).longs());
        assertThat(Files.readAllBytes(folder.resolve("i64"))).isEqualTo(Files.readAllBytes(path));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void everyVersionIsRead(int major) {
        String header = "{\"shape\": (2L,), 'descr': '|u1', 'fortran_order': False}   \n";
        assertThat(read(file(major, header, (byte) 1, (byte) 255)).ints()).containsExactly(1, 255);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{}",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1.5,)}",
                "{'descr': '<f4', 'fortran_order': False, 'shape': 1}",
                "{'descr': '<f4', 'fortran_order': True, 'shape': (1,)}",
                "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}",
                "{'descr': '>f4', 'fortran_order': False, 'shape': (1,)}",
                "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
                "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}",
                "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 'y'}",
                "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} import os",
                "__import__('os').system('true')",
            })
    void damagedHeadersAreRefused(String header) {
        assertThatThrownBy(() -> read(file(1, header, new byte[4])))
                .isInstanceOf(CheckpointException.class)
                .hasMessageStartingWith("some.npy: ");
    }

    @Test
    void lyingLengthsAreRefused() {
        byte[] huge = file(2, "{}");
        ByteBuffer.wrap(huge).order(ByteOrder.LITTLE_ENDIAN).putInt(8, -1);
        assertThatThrownBy(() -> read(huge)).isInstanceOf(CheckpointException.class);
        String header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}";
        assertThatThrownBy(() -> read(file(1, header, new byte[5]))).isInstanceOf(CheckpointException.class);
        assertThatThrownBy(() -> read(file(4, header, new byte[4]))).isInstanceOf(CheckpointException.class);
        assertThatThrownBy(() -> read(new byte[7])).isInstanceOf(CheckpointException.class);
        assertThatThrownBy(() -> Npy.read(folder.resolve("absent.npy"))).isInstanceOf(CheckpointException.class);
    }

    @Test
    void archivesOfPicturesComeBack() throws IOException {
        Path path = folder.resolve("pictures.npz");
        Npz.write(path, npz -> {
            npz.add("arr_0", DType.U8, new int[] {2, 1, 2, 3}, out -> {
                out.write(new byte[] {1, 2, 3, 4, 5, 6});
                out.write(new byte[] {7, 8, 9, 10, 11});
                out.write(255);
            });
            npz.add("arr_1", new int[] {2}, new long[] {207, 3});
            npz.add("features", new int[] {1, 2}, new float[] {0.5f, -1});
        });
        Map<String, Npy> arrays = Npz.read(path);
        assertThat(arrays.keySet()).containsExactly("arr_0", "arr_1", "features");
        assertThat(arrays.get("arr_0").shape()).isEqualTo(Shape.of(2, 1, 2, 3));
        assertThat(arrays.get("arr_0").ints()).containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255);
        assertThat(arrays.get("arr_1").longs()).containsExactly(207, 3);
        assertThat(arrays.get("features").floats()).containsExactly(0.5f, -1);

        Path again = folder.resolve("again.npz");
        Npz.write(again, npz -> {
            npz.add("arr_0", new int[] {2, 1, 2, 3}, new byte[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, -1});
            npz.add("arr_1", new int[] {2}, new long[] {207, 3});
            npz.add("features", new int[] {1, 2}, new float[] {0.5f, -1});
        });
        assertThat(Files.readAllBytes(again)).isEqualTo(Files.readAllBytes(path));
    }

    @Test
    void anArrayOfTheWrongSizeIsNotWritten() {
        Path path = folder.resolve("wrong.npz");
        assertThatThrownBy(() -> Npz.write(path, npz -> npz.add("a", new int[] {3}, new byte[2])))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("a: 2 bytes (expected 3");
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void compressedArchivesAreRead() throws IOException {
        byte[] zip = zip(9, "x.npy", file(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (1000,)}",
                new byte[1000]));
        assertThat(zip.length).isLessThan(600);
        Map<String, Npy> arrays = Npz.parse(Path.of("x.npz"), MemorySegment.ofArray(zip));
        assertThat(arrays.get("x").ints()).isEqualTo(new int[1000]);
    }

    @Test
    void aDamagedArchiveIsNoticedByItsChecksum() throws IOException {
        byte[] npy = file(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (4,)}", (byte) 1, (byte) 2, (byte) 3,
                (byte) 4);
        byte[] zip = zip(0, "x.npy", npy);
        for (int i = 0; i < zip.length - 4; i++) {
            if (zip[i] == 1 && zip[i + 1] == 2 && zip[i + 2] == 3 && zip[i + 3] == 4) {
                zip[i] = 9;
            }
        }
        assertThatThrownBy(() -> Npz.parse(Path.of("x.npz"), MemorySegment.ofArray(zip)))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("checksum");
    }

    @Test
    void aZipBombIsRefusedBeforeInflating() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream out = new ZipOutputStream(bytes)) {
            out.putNextEntry(new ZipEntry("x.npy"));
            zeros(out, 200 << 20);
        }
        assertThat(bytes.size()).isLessThan(300_000);
        assertThatThrownBy(() -> Npz.parse(Path.of("x.npz"), MemorySegment.ofArray(bytes.toByteArray())))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("x.npz: x.npy: inflates from");
    }

    private static byte[] zip(int level, String name, byte[] content) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream out = new ZipOutputStream(bytes)) {
            out.setLevel(level);
            out.putNextEntry(new ZipEntry(name));
            out.write(content);
        }
        return bytes.toByteArray();
    }

    private static void zeros(OutputStream out, int n) throws IOException {
        byte[] block = new byte[1 << 20];
        for (int i = 0; i < n; i += block.length) {
            out.write(block);
        }
    }
}
