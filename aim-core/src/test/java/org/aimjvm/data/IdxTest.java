package org.aimjvm.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.aimjvm.io.CheckpointException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IdxTest {
    private static final String IMAGES = "train-images-idx3-ubyte";
    private static final String LABELS = "train-labels-idx1-ubyte";

    @TempDir Path folder;

    private static byte[] idx(int magic, int[] sizes, byte... elements) {
        ByteBuffer b = ByteBuffer.allocate(4 + 4 * sizes.length + elements.length).putInt(magic);
        for (int size : sizes) {
            b.putInt(size);
        }
        return b.put(elements).array();
    }

    private Path write(String name, byte[] bytes) throws IOException {
        return Files.write(folder.resolve(name), bytes);
    }

    private static byte[] gzip(byte[] bytes) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream gz = new GZIPOutputStream(out)) {
            gz.write(bytes);
        }
        return out.toByteArray();
    }

    @Test
    void readsFramesAndScales() throws IOException {
        byte[] pixels = new byte[2 * 28 * 28];
        pixels[28 * 28] = (byte) 255; // corner of the second picture
        write(IMAGES + ".gz", gzip(idx(0x803, new int[] {2, 28, 28}, pixels)));
        write(LABELS, idx(0x801, new int[] {2}, (byte) 9, (byte) 3));
        PictureSource set = FashionMnist.train(folder);
        assertThat(set.size()).isEqualTo(2);
        assertThat(set.label(0)).isEqualTo(9);
        assertThat(set.classNames().get(9)).isEqualTo("ankle boot");
        float[] x = new float[32 * 32];
        set.read(0, x);
        assertThat(x).containsOnly(-1f);
        set.read(1, x);
        assertThat(x[2 * 32 + 2]).isEqualTo(1f);
        x[2 * 32 + 2] = -1;
        assertThat(x).containsOnly(-1f);
        assertThatThrownBy(() -> FashionMnist.test(folder))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("t10k-images-idx3-ubyte.gz: no such file");
    }

    @Test
    void lyingAndDamagedFilesAreRefused() throws IOException {
        assertRefused(idx(0x801, new int[] {1}, (byte) 1), "IDX header 00000801, expected 00000803");
        assertRefused(idx(0x803, new int[] {1, 2, 2}, (byte) 1), "ends early");
        assertRefused(gzip(idx(0x803, new int[] {1, 2, 2}, (byte) 1)), "ends early");
        assertRefused(idx(0x803, new int[] {1, 1, 1}, (byte) 1, (byte) 2), "bytes after the last element");
        assertRefused(gzip(idx(0x803, new int[] {1 << 20, 1 << 20, 1 << 20})), "IDX size");
        assertRefused(gzip(idx(0x803, new int[] {-1, 28, 28})), "IDX size -1");
        assertRefused(new byte[] {0, 0}, "ends early");
        assertRefused(new byte[0], "ends early");
        byte[] damaged = gzip(idx(0x803, new int[] {10, 10, 10}, new byte[1000]));
        assertRefused(Arrays.copyOf(damaged, damaged.length - 8), "");
        damaged[damaged.length - 6] ^= 1; // checksum
        assertRefused(damaged, "cannot be inflated");
    }

    private void assertRefused(byte[] bytes, String message) throws IOException {
        Path file = write("f", bytes);
        assertThatThrownBy(() -> IdxReader.images(file))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("f: ")
                .hasMessageContaining(message);
    }

    @Test
    void labelsMustFit() throws IOException {
        Path images = write(IMAGES, idx(0x803, new int[] {1, 1, 1}, (byte) 0));
        Path two = write("two", idx(0x801, new int[] {2}, (byte) 0, (byte) 1));
        Path high = write("high", idx(0x801, new int[] {1}, (byte) 200));
        assertThatThrownBy(() -> IdxPictures.read(images, two, List.of("a"), 4))
                .hasMessageContaining("2 labels, expected 1");
        assertThatThrownBy(() -> IdxPictures.read(images, high, List.of("a"), 4))
                .hasMessageContaining("label 200, expected 0 to 0");
    }
}
