package org.aimjvm.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;
import org.aimjvm.backend.Backends;
import org.aimjvm.data.PictureSource;
import org.aimjvm.data.Shard;
import org.aimjvm.data.TokenDataset;
import org.aimjvm.model.AimModel;
import org.aimjvm.nn.Params;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.train.TinyRuns.Recorder;
import org.aimjvm.train.VqOptions.Reconstruction;
import org.aimjvm.vq.Codebook;
import org.aimjvm.vq.VqModel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** N workers are one worker with the whole batch. */
class WorkersTest {
    /**
     * Largest difference of a parameter after the runs below, over the largest parameter: the order of sums differs.
     */
    private static final double TOLERANCE = 1e-6;

    @TempDir Path folder;

    /** Workers that are threads of this process. */
    private static final class Threads {
        private final int count;
        private final double[][] shared;
        private final CyclicBarrier barrier;
        private final List<String> calls = Collections.synchronizedList(new ArrayList<>());

        Threads(int count) {
            this.count = count;
            this.shared = new double[count][];
            this.barrier = new CyclicBarrier(count);
        }

        private void meet() {
            try {
                barrier.await();
            } catch (Exception e) {
                throw new IllegalStateException("worker: another one failed", e);
            }
        }

        GradientSync sync(int rank) {
            return new GradientSync() {
                @Override
                public void average(int step, String player, Map<String, Tensor> gradients) {
                    gradients.forEach((name, g) -> {
                        double[] all = gather(step, name, doubles(g.toFloats()));
                        float[] mean = new float[g.size()];
                        for (int i = 0; i < mean.length; i++) {
                            double sum = 0;
                            for (int r = 0; r < count; r++) {
                                sum += all[r * mean.length + i];
                            }
                            mean[i] = (float) (sum / count);
                        }
                        g.write(mean);
                    });
                    calls.add(rank + " averages " + player + " in " + step);
                }

                @Override
                public double[] gather(int step, String what, double[] mine) {
                    shared[rank] = mine;
                    meet();
                    double[] all = Arrays.stream(shared).flatMapToDouble(Arrays::stream).toArray();
                    meet(); // all have read
                    return all;
                }
            };
        }

        private static double[] doubles(float[] values) {
            double[] d = new double[values.length];
            Arrays.setAll(d, i -> values[i]);
            return d;
        }

        /** Runs a worker per thread. */
        <T> List<T> run(Function<Workers, Callable<T>> worker) throws Exception {
            try (ExecutorService threads = Executors.newFixedThreadPool(count)) {
                List<Future<T>> results = new ArrayList<>();
                for (int rank = 0; rank < count; rank++) {
                    results.add(threads.submit(worker.apply(new Workers(new Shard(rank, count), sync(rank)))));
                }
                List<T> all = new ArrayList<>();
                for (Future<T> result : results) {
                    all.add(result.get());
                }
                return all;
            }
        }
    }

    /** What a run left. */
    private record Ran(Recorder recorder, TreeMap<String, float[]> parameters) {
        static Ran of(Recorder recorder, Params params) {
            TreeMap<String, float[]> values = new TreeMap<>();
            params.all().forEach((name, t) -> values.put(name, t.toFloats()));
            return new Ran(recorder, values);
        }

        double distance(Ran other) {
            double difference = 0;
            double size = 0;
            for (Map.Entry<String, float[]> e : parameters.entrySet()) {
                float[] b = other.parameters.get(e.getKey());
                if (e.getKey().endsWith("codebook_used")) {
                    assertThat(b).isEqualTo(e.getValue());
                    continue;
                }
                for (int i = 0; i < b.length; i++) {
                    difference = Math.max(difference, Math.abs(b[i] - e.getValue()[i]));
                    size = Math.max(size, Math.abs(b[i]));
                }
            }
            return difference / size;
        }
    }

    private Ran lm(TokenDataset codes, int batch, int accumulation, Workers workers) {
        AimModel model = TinyRuns.lmModel(Backends.open(TinyRuns.BACKEND.name(), 1));
        Recorder recorder = new Recorder();
        LmOptions options = new LmOptions(TinyRuns.recipe(6, batch, accumulation, 3e-3), 0.3, 0, false);
        new LmTrainer(model, codes, null, options, null, RunOptions.NONE, workers, recorder).run();
        return Ran.of(recorder, model.params());
    }

    private static Ran vq(PictureSource pictures, int accumulation, Workers workers) {
        return vq(pictures, 8, accumulation, CodebookOptions.DEFAULT.withReviveAfter(2), workers);
    }

    private static Ran vq(
            PictureSource pictures, int steps, int accumulation, CodebookOptions codebook, Workers workers) {
        Params params = Params.random(Backends.open(TinyRuns.BACKEND.name(), 1), 4);
        VqModel model = TinyRuns.vqModel(params);
        Recorder recorder = new Recorder();
        VqOptions options = VqOptions.builder(TinyRuns.recipe(steps, 8, accumulation, 3e-3))
                .reconstruction(Reconstruction.L2).codebook(codebook).build();
        new VqTrainer(model, pictures, null, options, null, RunOptions.NONE, workers, recorder).run();
        return Ran.of(recorder, model.params());
    }

    @Test
    void workersTrainTheSequenceModelThatOneWouldTrain() throws Exception {
        try (TokenDataset codes = TinyRuns.codes(folder.resolve("codes"), 38, 1)) {
            for (int n : new int[] {2, 4}) {
                // dropout masks belong to passes, so one worker takes as many
                Ran one = lm(codes, 8, n, Workers.ALONE);
                Threads threads = new Threads(n);
                List<Ran> all = threads.run(w -> () -> lm(codes, 8, 1, w));
                for (Ran worker : all) {
                    assertThat(worker.distance(one)).isLessThan(TOLERANCE);
                    assertThat(worker.distance(all.getFirst())).isZero(); // bitwise the same model everywhere
                    assertThat(worker.recorder.losses()).isEqualTo(all.getFirst().recorder.losses());
                    for (int i = 0; i < 6; i++) {
                        assertThat(worker.recorder.losses().get(i))
                                .isCloseTo(one.recorder.losses().get(i), within(1e-6));
                    }
                }
                assertThat(threads.calls).hasSize(6 * n).contains("1 averages model in 5");
            }
        }
    }

    @Test
    void workersTrainTheTokenizerThatOneWouldTrainRevivalIncluded() throws Exception {
        PictureSource pictures = TinyRuns.squares(30);
        for (int passes : new int[] {1, 2}) {
            Ran one = vq(pictures, 2 * passes, Workers.ALONE);
            List<Ran> all = new Threads(2).run(w -> () -> vq(pictures, passes, w));
            assertThat(all.get(0).distance(all.get(1))).isZero();
            if (passes == 1) { // two sums of one gradient each are one sum of two
                assertThat(all.get(0).distance(one)).isZero();
            }
            // AdamW makes a whole step of a gradient that is nothing but rounding: losses, not single parameters
            for (int i = 0; i < 8; i++) {
                assertThat(all.get(0).recorder.losses().get(i)).isCloseTo(one.recorder.losses().get(i), within(5e-3));
            }
            assertThat(all.get(0).recorder.steps.getLast().parts().get("usage"))
                    .isEqualTo(one.recorder.steps.getLast().parts().get("usage"));
        }
    }

    @Test
    void workersMoveCodesAsOneWould() throws Exception {
        PictureSource pictures = TinyRuns.squares(30);
        Codebook.Gradient rotation = Codebook.Gradient.ROTATION;
        CodebookOptions restarted = new CodebookOptions(CodebookOptions.Start.KMEANS, 0, 0.9, rotation, false);
        CodebookOptions projected = new CodebookOptions(CodebookOptions.Start.UNIFORM, 0, 0, rotation, true);
        for (CodebookOptions codebook : List.of(restarted, projected)) {
            int steps = codebook == restarted ? 75 : 8; // averages take 69 to fall by half
            Ran one = vq(pictures, steps, 2, codebook, Workers.ALONE);
            List<Ran> all = new Threads(2).run(w -> () -> vq(pictures, steps, 1, codebook, w));
            assertThat(all.get(0).distance(all.get(1))).isZero();
            assertThat(all.get(0).distance(one)).isZero();
        }
    }

    @Test
    void anExchangeThatChangesNothingIsBitwiseNone() {
        GradientSync idle = new GradientSync() {
            @Override
            public void average(int step, String player, Map<String, Tensor> gradients) {
                // nothing
            }

            @Override
            public double[] gather(int step, String what, double[] mine) {
                return mine;
            }
        };
        Workers alone = new Workers(Shard.ALL, idle);
        try (TokenDataset codes = TinyRuns.codes(folder.resolve("codes"), 38, 1)) {
            for (int accumulation : new int[] {1, 3}) {
                Ran with = lm(codes, 6, accumulation, alone);
                Ran without = lm(codes, 6, accumulation, Workers.ALONE);
                assertThat(with.distance(without)).isZero();
                assertThat(with.recorder.losses()).isEqualTo(without.recorder.losses());
            }
        }
        Ran with = vq(TinyRuns.squares(30), 1, alone);
        Ran without = vq(TinyRuns.squares(30), 1, Workers.ALONE);
        assertThat(with.distance(without)).isZero();
        assertThat(with.recorder.losses()).isEqualTo(without.recorder.losses());
    }

    @Test
    void workersThatDoNotFitAreRefused() {
        assertThatThrownBy(() -> new Workers(new Shard(1, 2), GradientSync.NONE))
                .hasMessageStartingWith("sync: none for worker 2/2");
        GradientSync sync = new Threads(3).sync(0);
        assertThatThrownBy(() -> vq(TinyRuns.squares(30), 1, new Workers(new Shard(0, 3), sync)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("batch: 8 (expected a multiple of 3 workers times 1 passes)");
    }
}
