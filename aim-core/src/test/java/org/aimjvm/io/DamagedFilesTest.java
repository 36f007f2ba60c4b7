package org.aimjvm.io;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import org.aimjvm.backend.Shape;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Thousands of files damaged at random, reproducible by their seed: each either reads as a valid file whose tensors are
 * no larger than the file warrants, or is a {@link CheckpointException}; nothing else ever comes out.
 */
class DamagedFilesTest {
    private static final int FILES = 1500;
    private static final Path PATH = Path.of("damaged");
    /** Views may repeat elements up to 2^20 times, of at most 8 bytes. */
    private static final long FREE = 8L << 20;

    @TempDir static Path folder;

    /** Reads everything in a file and returns the largest number of bytes that one tensor of it claims. */
    interface Reader extends BiFunction<Path, MemorySegment, Long> {}

    static Stream<Arguments> formats() throws IOException {
        Reader safetensors = (path, bytes) -> drain(SafeTensors.of(path, bytes));
        Reader pickle = (path, bytes) -> drain(TorchPickle.of(path, bytes));
        Reader npy = (path, bytes) -> (long) Npy.parse(path, null, bytes).floats().length * 8;
        Reader npz = (path, bytes) -> Npz.parse(path, bytes).values().stream()
                .mapToLong(a -> a.floats().length * 8L)
                .max()
                .orElse(0);
        Path archive = folder.resolve("x.npz");
        Npz.write(archive, out -> {
            out.add("arr_0", new int[] {1, 2, 2, 3}, new byte[12]);
            out.add("arr_1", new int[] {1}, new long[] {5});
        });
        Path array = folder.resolve("x.npy");
        Npy.write(array, Shape.of(2, 3), new float[6]);
        String opcodes = PickleBytes.dict(
                "x",
                PickleBytes.tensor(
                        PickleBytes.storage("FloatStorage", "0", 500), 0, new long[] {20, 25}, new long[] {25, 1}));
        byte[] deflated =
                PickleBytes.zip(PickleBytes.pickle(opcodes), Map.of("0", new byte[2000]), false);
        return Stream.of(
                Arguments.of("safetensors", golden("variants.safetensors"), safetensors),
                Arguments.of("zip", golden("variants_zip.pt"), pickle),
                Arguments.of("newer zip", golden("variants_zip_newer.pt"), pickle),
                Arguments.of("legacy", golden("variants_legacy.pt"), pickle),
                Arguments.of("deflated zip", deflated, pickle),
                Arguments.of("npy", Files.readAllBytes(array), npy),
                Arguments.of("npz", Files.readAllBytes(archive), npz));
    }

    private static byte[] golden(String name) throws IOException {
        return Files.readAllBytes(FormatsGolden.file(name));
    }

    private static long drain(TensorSource source) {
        try (source) {
            long largest = 0;
            for (String name : source.names()) {
                largest = Math.max(largest, source.info(name).bytes());
                assertThat(source.readFloats(name)).hasSize(source.info(name).shape().size());
            }
            return largest;
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("formats")
    void damagedFilesAreValidOrRefused(String format, byte[] whole, Reader reader) {
        int valid = 0;
        for (int seed = 0; seed < FILES; seed++) {
            byte[] damaged = damage(whole, new Random(seed));
            try {
                long largest = reader.apply(PATH, MemorySegment.ofArray(damaged));
                // A compressed entry may become a hundred times its size beyond the free amount, never more.
                assertThat(largest).as("seed %d", seed).isLessThanOrEqualTo(FREE + 100L * damaged.length);
                valid++;
            } catch (CheckpointException e) {
                assertThat(e).as("seed %d", seed).hasMessageStartingWith("damaged: ");
                assertThat(e.getMessage()).as("seed %d", seed).hasSizeLessThan(1500);
            } catch (RuntimeException e) {
                throw new AssertionError(format + ", seed " + seed, e);
            }
        }
        // Both outcomes occur, so the damage is neither always fatal nor without effect.
        assertThat(valid).isBetween(1, FILES - 100);
    }

    @Test
    void theUndamagedFilesAreValid() throws IOException {
        formats().forEach(f -> {
            Object[] args = f.get();
            assertThat(((Reader) args[2]).apply(PATH, MemorySegment.ofArray((byte[]) args[1]))).isPositive();
        });
    }

    /** One to four changes: bits, bytes, numbers, cuts, insertions, copies of other places. */
    private static byte[] damage(byte[] whole, Random random) {
        byte[] file = whole.clone();
        for (int changes = 1 + random.nextInt(4); changes > 0 && file.length > 16; changes--) {
            // Half of the damage goes into the first bytes, where most formats have their structure.
            int at = random.nextInt(random.nextBoolean() ? Math.min(file.length, 600) : file.length);
            switch (random.nextInt(7)) {
                case 0 -> file[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> file[at] = (byte) random.nextInt();
                case 2 -> Arrays.fill(file, at, Math.min(file.length, at + 1 + random.nextInt(8)), extreme(random));
                case 3 -> file = random.nextInt(4) == 0 ? Arrays.copyOf(file, at) : file;
                case 4 -> file = splice(file, at, at, randomBytes(random));
                case 5 -> file = splice(file, at, Math.min(file.length, at + 1 + random.nextInt(20)), new byte[0]);
                default -> {
                    int from = random.nextInt(file.length);
                    int n = Math.min(1 + random.nextInt(40), file.length - Math.max(from, at));
                    System.arraycopy(file, from, file, at, n);
                }
            }
        }
        return file;
    }

    private static byte extreme(Random random) {
        return new byte[] {0, -1, 127, -128, '9', '-'}[random.nextInt(6)];
    }

    private static byte[] randomBytes(Random random) {
        if (random.nextBoolean()) {
            List<String> words = List.of("99999999999", "-1", "{", "[", "NaN", ",", "\"", "cos\nsystem\n", "R", "(",
                    "PK");
            return words.get(random.nextInt(words.size())).getBytes(StandardCharsets.ISO_8859_1);
        }
        byte[] bytes = new byte[1 + random.nextInt(8)];
        random.nextBytes(bytes);
        return bytes;
    }

    private static byte[] splice(byte[] file, int from, int to, byte[] middle) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            out.write(file, 0, from);
            out.write(middle);
            out.write(file, to, file.length - to);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }
}
