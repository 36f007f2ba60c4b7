package org.aimjvm.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CancellationException;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.aimjvm.TinyAim;
import org.aimjvm.backend.Backends;
import org.aimjvm.sample.GenerationListener;
import org.aimjvm.sample.GenerationRequest;
import org.aimjvm.sample.Generator;
import org.aimjvm.sample.Guidance;
import org.aimjvm.sample.SamplingOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Codes between those of pictures and those that a model draws. */
class CodeRegeneratorTest {
    private static final TinyAim TINY = TinyAim.of(Backends.best());
    private static final int[] SAME = {0, 1, 2};
    private static final IntConsumer QUIET = _ -> {};

    @TempDir private Path dir;

    private static ArrayPictures pictures(int count) {
        SplittableRandom random = new SplittableRandom(count);
        float[] pixels = new float[count * 192];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = (float) random.nextDouble(-1, 1);
        }
        int[] labels = IntStream.range(0, count).map(i -> i % 3).toArray();
        return new ArrayPictures(3, 8, 8, List.of("a", "b", "c"), labels, pixels);
    }

    private static CodeRegenerator.Options options(double forced, long seed) {
        return new CodeRegenerator.Options(forced, Guidance.constant(2), SamplingOptions.PLAIN, seed);
    }

    private static CodeRegenerator regenerator(double forced, long seed, int... labels) {
        return new CodeRegenerator(
                TINY.model(), TINY.tokenizer(), "weights", labels.length == 0 ? SAME : labels, options(forced, seed));
    }

    private List<List<Integer>> rows(CodeRegenerator regenerator, PictureSource pictures, int batch, String name) {
        regenerator.regenerate(pictures, dir.resolve(name), batch, QUIET);
        return rows(dir.resolve(name));
    }

    private static List<List<Integer>> rows(Path folder) {
        try (TokenDataset set = TokenDataset.open(folder)) {
            List<List<Integer>> rows = new ArrayList<>();
            int[] codes = new int[set.length()];
            for (int i = 0; i < set.size(); i++) {
                set.read(i, codes, 0);
                List<Integer> row = new ArrayList<>(List.of(set.label(i)));
                IntStream.of(codes).forEach(row::add);
                rows.add(row);
            }
            return rows;
        }
    }

    private List<List<Integer>> extracted(PictureSource pictures) {
        new CodeExtractor(TINY.tokenizer()).extract(pictures, dir.resolve("extracted"), 1, 0, 8, QUIET);
        return rows(dir.resolve("extracted"));
    }

    @Test
    void allForcedAreTheCodesOfTheEncoder() {
        PictureSource pictures = pictures(20);
        assertThat(rows(regenerator(1, 0), pictures, 8, "forced")).isEqualTo(extracted(pictures));
    }

    @Test
    void noneForcedIsWhatTheModelDrawsOfItsOwnLabel() {
        PictureSource pictures = pictures(6);
        List<List<Integer>> rows = rows(regenerator(0, 9, 4, 3, 0), pictures, 4, "free");
        Generator generator = new Generator(TINY.model(), TINY.tokenizer());
        for (int i = 0; i < rows.size(); i++) {
            long seed = Draws.bits(9, Draws.Purpose.REGENERATE, i, TinyAim.TOKENS);
            GenerationRequest request = new GenerationRequest(
                    List.of(new GenerationRequest.Job(new int[] {4, 3, 0}[i % 3], seed)), Guidance.constant(2),
                    SamplingOptions.PLAIN, List.of(), 1);
            List<Integer> expected = new ArrayList<>(List.of(i % 3));
            IntStream.of(generator.draw(request, GenerationListener.NONE)[0]).forEach(expected::add);
            assertThat(rows.get(i)).isEqualTo(expected);
        }
    }

    @Test
    void theShareOfForcedCodesIsThatAskedForWhateverTheBatch() {
        PictureSource pictures = pictures(100);
        List<List<Integer>> own = extracted(pictures);
        List<List<Integer>> rows = rows(regenerator(0.7, 3), pictures, 32, "mixed");
        assertThat(rows(regenerator(0.7, 3), pictures, 7, "again")).isEqualTo(rows);
        assertThat(rows(regenerator(0.7, 4), pictures, 32, "seed")).isNotEqualTo(rows);
        int forced = 0;
        int different = 0;
        for (int i = 0; i < rows.size(); i++) {
            for (int t = 0; t < TinyAim.TOKENS; t++) {
                boolean same = rows.get(i).get(t + 1).equals(own.get(i).get(t + 1));
                if (Draws.uniform(3, Draws.Purpose.REGENERATE, i, t) < 0.7) {
                    forced++;
                    assertThat(same).isTrue();
                } else if (!same) {
                    different++;
                }
            }
        }
        assertThat(forced / 1600.0).isCloseTo(0.7, within(0.05));
        assertThat(different).isGreaterThan((1600 - forced) / 2);
    }

    @Test
    void aSetThatWasCutShortGoesOnAndOneThatIsThereStays() throws IOException {
        PictureSource pictures = pictures(1100); // three parts
        CodeRegenerator regenerator = regenerator(0.8, 1);
        List<List<Integer>> whole = rows(regenerator, pictures, 64, "whole");
        Path folder = dir.resolve("set");
        assertThatThrownBy(() -> regenerator.regenerate(pictures, folder, 64, done -> {
            if (done >= 500) {
                throw new CancellationException("told to end");
            }
        })).isInstanceOf(CancellationException.class);
        assertThat(folder).doesNotExist();
        List<Integer> progress = new ArrayList<>();
        regenerator.regenerate(pictures, folder, 64, progress::add);
        assertThat(progress.getFirst()).isEqualTo(366); // the first part was there
        assertThat(progress.getLast()).isEqualTo(1100);
        assertThat(rows(folder)).isEqualTo(whole);
        assertThat(dir.resolve("set.parts")).doesNotExist();

        progress.clear();
        regenerator.regenerate(pictures, folder, 64, progress::add);
        assertThat(progress).containsExactly(1100);
        Path file = folder.resolve("codes-00001-of-00001.safetensors");
        byte[] bytes = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(bytes, bytes.length / 2));
        regenerator.regenerate(pictures, folder, 64, QUIET);
        assertThat(rows(folder)).isEqualTo(whole);
        regenerator(0.8, 2).regenerate(pictures, folder, 64, QUIET); // other settings: others
        assertThat(rows(folder)).isNotEqualTo(whole);
    }

    @Test
    void whatDoesNotFitIsRefused() {
        assertThatThrownBy(() -> options(1.1, 0)).hasMessage("forced: 1.1 (expected 0 to 1)");
        assertThatThrownBy(() -> options(Double.NaN, 0)).hasMessage("forced: NaN (expected 0 to 1)");
        assertThatThrownBy(() -> regenerator(1, 0, 0, 1, 5)).hasMessage("label: 5 (expected 0 to 4)");
        assertThatThrownBy(() -> rows(regenerator(1, 0, 0, 1), pictures(3), 1, "x"))
                .hasMessage("classes: 3 (expected 2, as there are labels)");
        ArrayPictures grey = new ArrayPictures(1, 8, 8, List.of("a", "b", "c"), new int[1], new float[64]);
        assertThatThrownBy(() -> rows(regenerator(1, 0), grey, 1, "x"))
                .hasMessage("pictures: 1 x 8 x 8 (expected 3 x 8 x 8, as the model makes)");
        assertThat(dir.resolve("x")).doesNotExist();
    }

    @Test
    void viewsAreTheSamePicturesWheneverTheyAreRead() {
        PictureViews views = new PictureViews(new Drawn(), 12, 3);
        float[] a = new float[2];
        float[] b = new float[2];
        List<Float> first = new ArrayList<>();
        for (int row = 0; row < 12; row++) {
            views.read(row, 77, a, 0);
            views.read(row, 0, b, 0);
            assertThat(a).isEqualTo(b);
            assertThat(a[1]).isEqualTo(views.label(row));
            first.add(a[0]);
            assertThat(views.label(row)).isEqualTo(views.label(row % 5));
        }
        assertThat(first.subList(0, 5)).containsOnly(0f); // as they are
        assertThat(first.subList(5, 12)).doesNotHaveDuplicates().doesNotContain(0f);
        assertThat(new PictureViews(new Drawn(), 12, 4).fingerprint()).isNotEqualTo(views.fingerprint());
        assertThatThrownBy(() -> new PictureViews(new Drawn(), 0, 4)).hasMessage("rows: 0 (expected at least 1)");
    }

    /** Five pictures of two pixels: the draw that they were read with, and their index. */
    private static final class Drawn implements PictureSource {
        @Override
        public int size() {
            return 5;
        }

        @Override
        public int channels() {
            return 1;
        }

        @Override
        public int height() {
            return 1;
        }

        @Override
        public int width() {
            return 2;
        }

        @Override
        public List<String> classNames() {
            return List.of("a", "b", "c", "d", "e");
        }

        @Override
        public int label(int index) {
            return index;
        }

        @Override
        public void read(int index, long draw, float[] chw, int offset) {
            chw[offset] = draw;
            chw[offset + 1] = index;
        }

        @Override
        public String fingerprint() {
            return "drawn";
        }
    }
}
