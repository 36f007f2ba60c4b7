package org.aimjvm.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.aimjvm.EverySimdWidth;
import org.aimjvm.TestBackends;
import org.aimjvm.TinyAim;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.Shape;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.Conditioning;
import org.aimjvm.sample.GenerationRequest.Job;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What a picture depends on, and what it does not, on every backend. */
@EverySimdWidth
class GeneratorLawsTest {
    private static final SamplingOptions SAMPLING = new SamplingOptions(0.9f, 15, 0.95f, 0.001f);
    private static final Guidance LINEAR = new Guidance(1.5f, 3);

    static Stream<Arguments> backends() {
        return TestBackends.available().stream()
                .flatMap(b -> Stream.of(TinyAim.plain(), TinyAim.hybrid()).map(c -> Arguments.of(b, c)));
    }

    private static Generator generator(AimConfig config, Backend backend) {
        TinyAim tiny = TinyAim.of(config, TinyAim.vq(3), backend);
        return new Generator(tiny.model(), tiny.tokenizer());
    }

    private static GenerationRequest request(List<Job> jobs, Guidance guidance, int batch) {
        return new GenerationRequest(jobs, guidance, SAMPLING, List.of(), batch);
    }

    private static List<Job> jobs() {
        List<Job> jobs = new ArrayList<>();
        for (int i = 0; i < 9; i++) {
            jobs.add(new Job(i % TinyAim.CLASSES, i < 7 ? i / 2 : Long.MIN_VALUE + i));
        }
        return jobs;
    }

    private static Map<Job, GeneratedPicture> pictures(Generator generator, List<Job> jobs, Guidance guidance,
            int batch) {
        Map<Job, GeneratedPicture> byJob = new HashMap<>();
        List<GeneratedPicture> made = generator.generate(request(jobs, guidance, batch), GenerationListener.NONE);
        assertThat(made).hasSameSizeAs(jobs);
        for (int i = 0; i < jobs.size(); i++) {
            GeneratedPicture p = made.get(i);
            assertThat(new Job(p.label(), p.seed())).isEqualTo(jobs.get(i));
            byJob.put(jobs.get(i), p);
        }
        return byJob;
    }

    private static void assertSame(Map<Job, GeneratedPicture> got, Map<Job, GeneratedPicture> expected, String what) {
        expected.forEach((job, p) -> {
            assertThat(got.get(job).codes()).as("codes of %s, %s", job, what).isEqualTo(p.codes());
            assertThat(got.get(job).pixels()).as("pixels of %s, %s", job, what).isEqualTo(p.pixels());
        });
    }

    @ParameterizedTest
    @MethodSource("backends")
    void aPictureDependsOnLabelAndSeedOnly(Backend backend, AimConfig config) {
        for (Guidance guidance : List.of(Guidance.NONE, LINEAR)) {
            Generator one = generator(config, Backends.open(backend.name(), 1));
            List<Job> jobs = jobs();
            Map<Job, GeneratedPicture> alone = pictures(one, jobs, guidance, 1);
            assertThat(alone.values().stream().map(p -> List.of(IntStream.of(p.codes()).boxed().toArray())).distinct())
                    .as("pictures differ").hasSizeGreaterThan(6);
            for (int[] threadsAndBatch : new int[][] {{1, 2}, {1, 64}, {2, 1}, {2, 4}, {5, 64}}) {
                int batch = threadsAndBatch[1];
                Generator g = generator(config, Backends.open(backend.name(), threadsAndBatch[0]));
                Collections.shuffle(jobs, new Random(batch));
                assertSame(pictures(g, jobs, guidance, batch), alone,
                        "threads and batch " + List.of(threadsAndBatch[0], batch));
            }
            assertSame(pictures(one, List.of(jobs.get(3), jobs.get(3)), guidance, 2),
                    Map.of(jobs.get(3), alone.get(jobs.get(3))), "twice");
        }
    }

    /** The same by the definition: whole sequences through the model, both halves, the greatest guided logit. */
    private static int[] greedyByDefinition(TinyAim tiny, int label, Guidance guidance) {
        Backend backend = tiny.model().backend();
        int vocab = TinyAim.VOCAB;
        int[] codes = new int[TinyAim.TOKENS];
        try (Scope _ = Scope.inference()) {
            Conditioning condition = tiny.model()
                    .condition(Tensor.ofInts(backend, Shape.of(2), label, TinyAim.CLASSES));
            for (int t = 0; t < codes.length; t++) {
                int[] fed = new int[2 * t];
                System.arraycopy(codes, 0, fed, 0, t);
                System.arraycopy(codes, 0, fed, t, t);
                Tensor tokens = t == 0 ? null : Tensor.ofInts(backend, Shape.of(2, t), fed);
                float[] logits = tiny.model().forward(condition, tokens, null).toFloats(); // (2, t + 1, V)
                double scale = guidance.first() + (guidance.last() - guidance.first()) * t / (codes.length - 1.0);
                double best = Double.NEGATIVE_INFINITY;
                for (int v = 0; v < vocab; v++) {
                    double cond = logits[t * vocab + v];
                    double uncond = logits[(2 * t + 1) * vocab + v];
                    double guided = uncond + scale * (cond - uncond);
                    if (guided > best) {
                        best = guided;
                        codes[t] = v;
                    }
                }
            }
        }
        return codes;
    }

    @ParameterizedTest
    @MethodSource("backends")
    void codesAreThoseOfTheDefinition(Backend backend, AimConfig config) {
        TinyAim tiny = TinyAim.of(config, TinyAim.vq(3), backend);
        Generator generator = new Generator(tiny.model(), tiny.tokenizer());
        for (Guidance guidance : List.of(Guidance.constant(2.5f), new Guidance(4, 0.5f))) {
            List<Job> jobs = IntStream.range(0, TinyAim.CLASSES).mapToObj(l -> new Job(l, 0)).toList();
            GenerationRequest greedy = new GenerationRequest(jobs, guidance, SamplingOptions.GREEDY, List.of(), 3);
            for (GeneratedPicture p : generator.generate(greedy, GenerationListener.NONE)) {
                assertThat(p.codes()).as("label %d, %s", p.label(), guidance)
                        .isEqualTo(greedyByDefinition(tiny, p.label(), guidance));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("backends")
    void withoutGuidanceTheNullHalfIsLeftOut(Backend backend, AimConfig config) {
        Generator whole = generator(config, backend);
        // The guided computation at the next float above 1: the logits differ in the last bits only.
        Map<Job, GeneratedPicture> guided = pictures(whole, jobs(), Guidance.constant(Math.nextUp(1f)), 4);
        Map<Job, GeneratedPicture> plain = pictures(whole, jobs(), Guidance.NONE, 4);
        plain.forEach((job, p) -> assertThat(guided.get(job).codes()).isEqualTo(p.codes()));

        TinyAim broken = TinyAim.of(config, TinyAim.vq(3), backend);
        Tensor classes = broken.params().all().get("mamba.backbone.cls_embed.embedding_table.weight");
        float[] values = classes.toFloats();
        values[TinyAim.CLASSES * classes.dim(1)] = Float.NaN; // the null class
        classes.write(values);
        Generator noNull = new Generator(broken.model(), broken.tokenizer());
        assertSame(pictures(noNull, jobs(), Guidance.NONE, 4), plain, "null class broken");
        assertThatThrownBy(() -> noNull.generate(request(jobs(), LINEAR, 4), GenerationListener.NONE))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("is NaN");
    }

    @ParameterizedTest
    @MethodSource("backends")
    void prefixTokensAreForcedAndTheRestGoesOnAsIfDrawn(Backend backend, AimConfig config) {
        Generator generator = generator(config, backend);
        Job job = new Job(2, 5);
        int[] free = pictures(generator, List.of(job), LINEAR, 1).get(job).codes();
        for (int length : new int[] {0, 1, 5, TinyAim.TOKENS}) {
            List<Integer> prefix = IntStream.of(free).limit(length).boxed().toList();
            GenerationRequest forced = new GenerationRequest(List.of(job), LINEAR, SAMPLING, prefix, 1);
            assertThat(generator.generate(forced, GenerationListener.NONE).getFirst().codes()).isEqualTo(free);
        }
        List<Integer> other = IntStream.of(free).limit(6).map(c -> (c + 1) % TinyAim.VOCAB).boxed().toList();
        GenerationRequest forced = new GenerationRequest(List.of(job, new Job(1, 9)), LINEAR, SAMPLING, other, 2);
        for (GeneratedPicture p : generator.generate(forced, GenerationListener.NONE)) {
            assertThat(IntStream.of(p.codes()).limit(6).boxed().toList()).isEqualTo(other);
        }
    }

    @ParameterizedTest
    @MethodSource("backends")
    void tokensForcedAnywhereAreTakenAndTheOthersDrawnAfterThem(Backend backend, AimConfig config) {
        Generator generator = generator(config, backend);
        List<Job> jobs = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            int quarters = i;
            Random random = new Random(i);
            int[] forced = IntStream.range(0, TinyAim.TOKENS)
                    .map(t -> random.nextInt(4) < quarters ? random.nextInt(TinyAim.VOCAB) : Job.DRAWN).toArray();
            jobs.add(new Job(i % 2, 70 + i / 2, forced));
        }
        int[][] codes = generator.draw(request(jobs, LINEAR, 5), GenerationListener.NONE);
        assertThat(generator.draw(request(jobs, LINEAR, 2), GenerationListener.NONE)).isDeepEqualTo(codes);
        assertThat(codes[4]).isEqualTo(jobs.get(4).forced()); // all of them
        for (int i = 0; i < 4; i++) {
            Job free = new Job(jobs.get(i).label(), jobs.get(i).seed());
            for (int t = 0; t < TinyAim.TOKENS; t++) {
                int forced = jobs.get(i).forced()[t];
                List<Integer> before = IntStream.of(codes[i]).limit(t).boxed().toList();
                GenerationRequest request = new GenerationRequest(List.of(free), LINEAR, SAMPLING, before, 1);
                int expected = forced != Job.DRAWN ? forced : generator.draw(request, GenerationListener.NONE)[0][t];
                assertThat(codes[i][t]).as("picture %d, token %d", i, t).isEqualTo(expected);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("backends")
    void theLastRowIsTheFinishedPicture(Backend backend, AimConfig config) {
        Generator generator = generator(config, backend);
        Map<Integer, float[]> lastRows = new HashMap<>();
        List<GenerationListener.PartialPictures> firstRows = new ArrayList<>();
        List<GeneratedPicture> pictures = generator.generate(
                request(jobs(), Guidance.NONE, 4), new GenerationListener() {
                    @Override
                    public void onRow(int row, PartialPictures partial) {
                        if (row == 1) {
                            firstRows.add(partial);
                        }
                        for (int i = 0; row == TinyAim.SIDE && i < partial.count(); i++) {
                            lastRows.put(partial.first() + i, partial.decode(i));
                        }
                    }
                });
        assertThat(lastRows).hasSize(jobs().size());
        lastRows.forEach((i, pixels) -> assertThat(pixels).isEqualTo(pictures.get(i).pixels()));
        assertThat(firstRows).hasSize(3);
        float[] late = firstRows.get(1).decode(2); // after everything: still the first row only
        assertThat(late).hasSameSizeAs(pictures.get(6).pixels()).isNotEqualTo(pictures.get(6).pixels());
    }
}
