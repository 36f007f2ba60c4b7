package org.aimjvm.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.stream.IntStream;
import org.aimjvm.TinyAim;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.PositionRule;
import org.aimjvm.nn.Params;
import org.aimjvm.sample.GenerationRequest.Job;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;
import org.junit.jupiter.api.Test;

/** Callbacks, cancelling, errors, random numbers and memory of a generation. */
class GeneratorTest {
    private static final Backend BACKEND = Backends.best();
    private static final TinyAim TINY = TinyAim.of(BACKEND);

    private final Generator generator = new Generator(TINY.model(), TINY.tokenizer());

    private static GenerationRequest request(int pictures, int batch) {
        List<Job> jobs = IntStream.range(0, pictures).mapToObj(i -> new Job(i % TinyAim.CLASSES, i)).toList();
        return new GenerationRequest(jobs, Guidance.constant(2), SamplingOptions.PLAIN, List.of(), batch);
    }

    private static List<List<Integer>> codes(List<GeneratedPicture> pictures) {
        return pictures.stream().map(p -> IntStream.of(p.codes()).boxed().toList()).toList();
    }

    /** Writes down everything it is told; cancels or throws when told so. */
    private static class Recorder implements GenerationListener {
        final List<String> events = new ArrayList<>();
        String cancelAfter = "never";
        String throwAfter = "never";

        private void add(String event) {
            events.add(event);
            if (event.equals(throwAfter)) {
                throw new IllegalStateException("thrown by the listener");
            }
        }

        @Override
        public void onToken(int picture, int position, int token) {
            add("token " + picture + "." + position + "=" + token);
        }

        @Override
        public void onRow(int row, PartialPictures partial) {
            add("row " + row + " of " + partial.first() + "+" + partial.count());
        }

        @Override
        public void onPicture(int picture, GeneratedPicture result) {
            add("picture " + picture + " label " + result.label() + " seed " + result.seed());
        }

        @Override
        public boolean isCancelled() {
            return !events.isEmpty() && events.getLast().startsWith(cancelAfter);
        }
    }

    @Test
    void callbacksComeInOrder() {
        Recorder recorder = new Recorder();
        List<String> handed = new ArrayList<>();
        List<GeneratedPicture> pictures = new ArrayList<>();
        generator.generateEach(request(3, 2), recorder, p -> {
            pictures.add(p);
            handed.add(recorder.events.getLast());
        });
        List<String> expected = new ArrayList<>();
        for (int first : new int[] {0, 2}) {
            int count = first == 0 ? 2 : 1;
            for (int t = 0; t < TinyAim.TOKENS; t++) {
                for (int i = first; i < first + count; i++) {
                    expected.add("token " + i + "." + t + "=" + pictures.get(i).codes()[t]);
                }
                if ((t + 1) % TinyAim.SIDE == 0) {
                    expected.add("row " + (t + 1) / TinyAim.SIDE + " of " + first + "+" + count);
                }
            }
            for (int i = first; i < first + count; i++) {
                expected.add("picture " + i + " label " + i + " seed " + i);
            }
        }
        assertThat(recorder.events).isEqualTo(expected);
        assertThat(handed).containsExactly(
                "picture 0 label 0 seed 0", "picture 1 label 1 seed 1", "picture 2 label 2 seed 2");
        GeneratedPicture p = pictures.getFirst();
        assertThat(List.of(p.channels(), p.height(), p.width(), p.pixels().length)).containsExactly(3, 8, 8, 192);
    }

    @Test
    void cancellingAndThrowingEndTheGenerationAndLeaveTheGeneratorAsItWas() {
        List<List<Integer>> whole = codes(generator.generate(request(5, 2), GenerationListener.NONE));
        List<GeneratedPicture> taken = new ArrayList<>();
        Recorder recorder = new Recorder();
        recorder.cancelAfter = "token 3.5";
        assertThatThrownBy(() -> generator.generateEach(request(5, 2), recorder, taken::add))
                .isInstanceOf(CancellationException.class)
                .hasMessageContaining("token 6 of 16");
        assertThat(recorder.events.getLast()).startsWith("token 3.5=");
        assertThat(codes(taken)).isEqualTo(whole.subList(0, 2));

        Recorder beforeDecoding = new Recorder();
        beforeDecoding.cancelAfter = "row 4 of 0";
        assertThatThrownBy(() -> generator.generate(request(5, 2), beforeDecoding))
                .isInstanceOf(CancellationException.class)
                .hasMessageContaining("picture 0");

        for (String event : List.of("row 2 of 2+2", "picture 1 label 1 seed 1")) {
            Recorder throwing = new Recorder();
            throwing.throwAfter = event;
            assertThatThrownBy(() -> generator.generate(request(5, 2), throwing))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("thrown by the listener");
        }
        assertThatThrownBy(() -> generator.generateEach(request(5, 2), GenerationListener.NONE, p -> {
            throw new IllegalStateException("thrown by the consumer");
        })).hasMessage("thrown by the consumer");
        assertThat(codes(generator.generate(request(5, 2), GenerationListener.NONE))).isEqualTo(whole);
    }

    private static GenerationRequest forced(int[] tokens, List<Integer> prefix) {
        return new GenerationRequest(
                List.of(new Job(0, 0), new Job(0, 0, tokens)), Guidance.NONE, SamplingOptions.PLAIN, prefix, 1);
    }

    @Test
    void badRequestsAreRefusedBeforeAnyWork() {
        Recorder recorder = new Recorder();
        List<Job> good = List.of(new Job(0, 0));
        for (int label : new int[] {-1, TinyAim.CLASSES}) { // the null class is no class
            GenerationRequest r = new GenerationRequest(
                    List.of(new Job(0, 0), new Job(label, 0)), Guidance.NONE, SamplingOptions.PLAIN, List.of(), 1);
            assertThatThrownBy(() -> generator.generate(r, recorder))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("label: " + label + " (expected 0 to 4)");
        }
        for (int token : new int[] {-1, TinyAim.VOCAB}) {
            GenerationRequest r =
                    new GenerationRequest(good, Guidance.NONE, SamplingOptions.PLAIN, List.of(1, token), 1);
            assertThatThrownBy(() -> generator.generate(r, recorder))
                    .hasMessage("prefix: token " + token + " (expected 0 to 22)");
        }
        GenerationRequest r = new GenerationRequest(
                good, Guidance.NONE, SamplingOptions.PLAIN, Collections.nCopies(TinyAim.TOKENS + 1, 1), 1);
        assertThatThrownBy(() -> generator.generate(r, recorder)).hasMessage("prefix: 17 tokens (expected at most 16)");
        int[] outside = new int[TinyAim.TOKENS];
        outside[3] = TinyAim.VOCAB;
        assertThatThrownBy(() -> generator.draw(forced(new int[15], List.of()), recorder))
                .hasMessage("forced: 15 tokens (expected 16)");
        assertThatThrownBy(() -> generator.draw(forced(outside, List.of()), recorder))
                .hasMessage("forced: token 23 (expected 0 to 22, or -1 for one that is drawn)");
        assertThatThrownBy(() -> forced(new int[TinyAim.TOKENS], List.of(1))).hasMessage(
                "prefix: 1 tokens, given with pictures that have forced tokens of their own (expected one of the two)");
        assertThat(recorder.events).isEmpty();
        assertThatThrownBy(() -> request(0, 1)).hasMessage("generate: 0 pictures (expected 1 to 10000000)");
        assertThatThrownBy(() -> request(1, 0)).hasMessage("batch: 0 (expected 1 to 4096)");
        assertThatThrownBy(() -> request(1, 4097)).hasMessage("batch: 4097 (expected 1 to 4096)");
    }

    @Test
    void modelsThatDoNotFitEachOtherAreRefused() {
        Params p = Params.shapesOnly();
        AimModel rows = new AimModel(
                p.sub("a"), TinyAim.plain().withData(TinyAim.VOCAB, 6, 2), PositionRule.SEQUENCE_INDEX);
        AimModel words = new AimModel(
                p.sub("b"), TinyAim.plain().withData(24, 16, 2), PositionRule.SEQUENCE_INDEX);
        AimModel large = new AimModel(
                p.sub("c"), TinyAim.plain().withData(TinyAim.VOCAB, 1 << 20, 2), PositionRule.SEQUENCE_INDEX);
        VqModel f16 = new VqModel(
                p.sub("d"),
                VqConfig.builder()
                        .ch(2)
                        .chMult(List.of(1, 1, 1, 1, 1, 1))
                        .numResBlocks(1)
                        .zChannels(2)
                        .nEmbed(TinyAim.VOCAB)
                        .embedDim(2)
                        .channels(1, 1)
                        .normGroups(1)
                        .commitBeta(0)
                        .build());
        assertThatThrownBy(() -> new Generator(rows, TINY.tokenizer()))
                .hasMessage("num_tokens: 6 (expected a square number)");
        assertThatThrownBy(() -> new Generator(words, TINY.tokenizer()))
                .hasMessage("vocab_size: 24 (expected the tokenizer's 23 codes)");
        assertThatThrownBy(() -> new Generator(large, f16)).hasMessageContaining("32768 pixels a side");
    }

    @Test
    void guidanceGoesLinearlyFromTheFirstToTheLastToken() {
        Guidance g = new Guidance(1, 4.3f);
        assertThat(g.scale(0, 256)).isEqualTo(1);
        assertThat(g.scale(255, 256)).isEqualTo(4.3f);
        assertThat(g.scale(51, 256)).isCloseTo(1 + 3.3f / 5, within(1e-6f));
        assertThat(g.scale(0, 1)).isEqualTo(1);
        assertThat(g.isNone()).isFalse();
        assertThat(Guidance.constant(2.5f).scale(7, 9)).isEqualTo(2.5f);
        assertThat(Guidance.NONE.isNone()).isTrue();
        for (float bad : new float[] {-1, 1001, Float.NaN, Float.POSITIVE_INFINITY}) {
            assertThatThrownBy(() -> new Guidance(1, bad))
                    .hasMessageContaining("(expected 0 to 1000; 1 is no guidance)");
            assertThatThrownBy(() -> new Guidance(bad, 1)).hasMessageContaining("cfg-scale: " + bad);
        }
    }

    /** All logits equal: the codes show the random numbers. */
    @Test
    void randomNumbersOfNeighbouringSeedsAndLabelsAreUnrelated() {
        TinyAim flat = TinyAim.of(BACKEND);
        Tensor words = flat.params().all().get("mamba.backbone.embeddings.word_embeddings.weight");
        words.write(new float[words.size()]);
        Generator g = new Generator(flat.model(), flat.tokenizer());
        List<Job> jobs = new ArrayList<>();
        for (int seed = 0; seed < 300; seed++) {
            jobs.add(new Job(0, seed));
            jobs.add(new Job(1, seed));
        }
        List<List<Integer>> codes = codes(g.generate(
                new GenerationRequest(jobs, Guidance.NONE, SamplingOptions.PLAIN, List.of(), 64),
                GenerationListener.NONE));
        int shift = 0;
        int sameSeed = 0;
        int sameLabel = 0;
        int[] counts = new int[TinyAim.VOCAB];
        for (int s = 0; s + 1 < 300; s++) {
            for (int t = 0; t + 1 < TinyAim.TOKENS; t++) {
                shift += codes.get(2 * s).get(t + 1).equals(codes.get(2 * s + 2).get(t)) ? 1 : 0;
                sameLabel += codes.get(2 * s).get(t).equals(codes.get(2 * s + 2).get(t)) ? 1 : 0;
                sameSeed += codes.get(2 * s).get(t).equals(codes.get(2 * s + 1).get(t)) ? 1 : 0;
                counts[codes.get(2 * s).get(t)]++;
            }
        }
        int n = 299 * (TinyAim.TOKENS - 1); // expected 1 / 23 of them; the standard deviation is 13.7
        for (int coincidences : new int[] {shift, sameSeed, sameLabel}) {
            assertThat(coincidences).isCloseTo(n / TinyAim.VOCAB, within(60));
        }
        for (int c : counts) {
            assertThat(c).isCloseTo(n / TinyAim.VOCAB, within(60));
        }
    }

    /**
     * 256 tokens: what a token allocates is small, no array of logits or activations, and does not grow. On the
     * reference backend, since vectors are objects until the compiler has seen to them, and with one thread, whose
     * allocations count.
     */
    @Test
    void memoryIsFlat() {
        int vocab = 4096;
        AimConfig config = TinyAim.plain().withData(vocab, 256, TinyAim.CLASSES);
        Backend single = Backends.open("scalar", 1);
        Params params = Params.random(single, 1);
        AimModel model = new AimModel(params.sub(AimModel.NAME), config, PositionRule.SEQUENCE_INDEX);
        VqModel vq = new VqModel(
                params.sub(VqModel.NAME), VqConfig.builder()
                        .ch(2)
                        .chMult(List.of(1))
                        .numResBlocks(1)
                        .zChannels(2)
                        .nEmbed(vocab)
                        .embedDim(2)
                        .channels(1, 1)
                        .normGroups(1)
                        .commitBeta(0)
                        .build());
        List<Job> jobs = IntStream.range(0, 4).mapToObj(i -> new Job(i, i)).toList();
        GenerationRequest request = new GenerationRequest(
                jobs, Guidance.constant(2), new SamplingOptions(1, 100, 0.9f, 0), List.of(), 4);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long[] at = new long[256];
        new Generator(model, vq).generate(request, new GenerationListener() {
            @Override
            public void onToken(int picture, int position, int token) {
                if (picture == 3) {
                    at[position] = threads.getCurrentThreadAllocatedBytes();
                }
            }
        });
        long early = (at[60] - at[10]) / 50;
        long late = (at[255] - at[205]) / 50;
        assertThat(early).as("bytes a token").isLessThan(40_000); // the logits alone would be 131,072
        assertThat(late).as("bytes a token at the end").isLessThan(early + early / 4 + 2000);
    }

    @Test
    void finishedPicturesAreNotKept() {
        List<WeakReference<GeneratedPicture>> seen = new ArrayList<>();
        generator.generateEach(request(60, 4), GenerationListener.NONE, p -> {
            seen.add(new WeakReference<>(p));
            if (seen.size() == 60) {
                System.gc();
            }
        });
        assertThat(seen.stream().limit(56).filter(r -> r.get() != null).count()).isLessThan(8);
    }
}
