package org.aimjvm.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.data.PictureSource;
import org.aimjvm.io.SafeTensors;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.TensorSource;
import org.aimjvm.nn.Params;
import org.aimjvm.op.elementwise.ArithmeticOp;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.train.TinyRuns.Recorder;
import org.aimjvm.vq.Codebook;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Starts, restarts, gradients and projections of a codebook. */
class CodebookTrainingTest {
    private static final int STEPS = 8;

    @TempDir Path folder;

    private static CodebookOptions options(String kind) {
        CodebookOptions none = CodebookOptions.PUBLISHED;
        return switch (kind) {
            case "none" -> none;
            case "kmeans" -> new CodebookOptions(CodebookOptions.Start.KMEANS, 0, 0, none.gradient(), false);
            case "restart" -> new CodebookOptions(none.start(), 0, 0.75, none.gradient(), false);
            case "rotation" -> new CodebookOptions(none.start(), 3, 0, Codebook.Gradient.ROTATION, false);
            case "projection" -> new CodebookOptions(none.start(), 0, 0, none.gradient(), true);
            default -> throw new IllegalArgumentException(kind);
        };
    }

    private static VqTrainer trainer(VqModel model, String kind, int steps, RunOptions run, Recorder r) {
        PictureSource pictures = TinyRuns.squares(30);
        VqOptions options = VqOptions.builder(TinyRuns.recipe(steps, 8, 2, 3e-3)).codebook(options(kind)).build();
        return new VqTrainer(model, pictures, pictures, options, run, r);
    }

    private static VqModel model() {
        return TinyRuns.vqModel(TinyRuns.vqParams());
    }

    @ParameterizedTest
    @ValueSource(strings = {"kmeans", "restart", "rotation", "projection"})
    void resumedRunHasBitwiseTheLossesOfAnUnbrokenOne(String kind) {
        Recorder whole = new Recorder();
        trainer(model(), kind, STEPS, RunOptions.NONE, whole).run();
        RunOptions run = new RunOptions(folder.resolve("run"), 0, 1, 0, 0, 0);
        Recorder first = new Recorder();
        VqTrainer stopped = trainer(model(), kind, STEPS, run, first);
        first.stopAfter = stopped;
        first.stopStep = 3;
        assertThat(stopped.run()).isFalse();
        Recorder second = new Recorder();
        VqTrainer resumed = trainer(model(), kind, STEPS, run, second);
        resumed.resume(RunFolder.latest(run.folder()).orElseThrow());
        assertThat(resumed.run()).isTrue();
        assertThat(second.losses()).isEqualTo(whole.losses().subList(3, STEPS));
        assertThat(second.steps.getLast().parts()).isEqualTo(whole.steps.getLast().parts());
    }

    @Test
    void clustersOfLatentsUseMoreCodesFromTheStart() {
        Recorder uniform = new Recorder();
        trainer(model(), "none", 2, RunOptions.NONE, uniform).run();
        Recorder kmeans = new Recorder();
        trainer(model(), "kmeans", 2, RunOptions.NONE, kmeans).run();
        assertThat(kmeans.steps.getFirst().parts().get("perplexity"))
                .isGreaterThan(1.5 * uniform.steps.getFirst().parts().get("perplexity"));
        assertThat(kmeans.steps.getFirst().parts().get("codebook"))
                .isLessThan(uniform.steps.getFirst().parts().get("codebook"));
    }

    @Test
    void codesThatAreUsedTooSeldomMove() {
        VqModel still = model();
        trainer(still, "none", 120, RunOptions.NONE, new Recorder()).run();
        VqModel model = model();
        Recorder r = new Recorder();
        trainer(model, "restart", 120, new RunOptions(null, 0, 1, 120, 0, 0), r).run();
        assertThat(r.validations.getLast().get("usage")).isGreaterThan(0.5);
        assertThat(model.codebook().weight().toFloats()).isNotEqualTo(still.codebook().weight().toFloats());
    }

    @Test
    void aProjectedCodebookIsSavedAsAnOrdinaryOne() {
        RunOptions run = new RunOptions(folder.resolve("run"), 0, 1, 0, 0, 0);
        VqModel model = model();
        trainer(model, "projection", STEPS, run, new Recorder()).run();
        Path checkpoint = RunFolder.latest(run.folder()).orElseThrow();
        try (TensorSource plain = SafeTensors.open(checkpoint.resolve(RunFolder.MODEL));
                TensorSource projection = SafeTensors.open(checkpoint.resolve("player-codebook.safetensors"))) {
            String name = model.codebook().weightName();
            assertThat(plain.names()).isEqualTo(model.params().all().keySet());
            float[] base = projection.readFloats("codebook.base");
            float[] w = projection.readFloats("codebook.projection.weight");
            float[] codes = plain.readFloats(name);
            int dim = plain.info(name).shape().dim(1);
            for (int i = 0; i < codes.length; i++) {
                double sum = 0;
                for (int d = 0; d < dim; d++) {
                    sum += (double) base[i / dim * dim + d] * w[i % dim * dim + d];
                }
                assertThat((double) codes[i]).isCloseTo(sum, offset(1e-5));
            }
        }
    }

    private static Codebook codebook(Backend backend, int codes, boolean normalized) {
        VqConfig config = VqConfig.builder().ch(1).chMult(List.of(1)).numResBlocks(1).zChannels(1).nEmbed(codes)
                .embedDim(3).channels(1, 1).normGroups(1).l2Norm(normalized).build();
        return new Codebook(Params.random(backend, 2), config);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void rotationHasTheBitsOfTheCodesAndTheGradientOfItsFormula(boolean normalized) {
        Backend backend = TinyRuns.BACKEND;
        Codebook codebook = codebook(backend, 5, normalized);
        SplittableRandom random = new SplittableRandom(1);
        float[] codes = new float[15];
        for (int i = 0; i < codes.length; i++) {
            codes[i] = (float) random.nextDouble(-1, 1);
        }
        codebook.weight().write(codes);
        float[] values = new float[6];
        float[] given = new float[6];
        for (int i = 0; i < 6; i++) {
            values[i] = (float) random.nextDouble(-2, 2);
            given[i] = (float) random.nextDouble(-1, 1);
        }
        try (Scope _ = Scope.training()) {
            Tensor z = Tensor.parameter(backend, Shape.of(2, 3, 1, 1), values);
            Codebook.Quantized q = codebook.quantize(z, codebook.weight(), Codebook.Gradient.ROTATION);
            Tensor plain = codebook.lookup(q.codes(), 2, 1, 1);
            assertThat(q.latents().toFloats()).isEqualTo(plain.toFloats());
            Tensor g = Tensor.of(backend, Shape.of(2, 3, 1, 1), given);
            float[] gradient = ReduceOp.sum(ArithmeticOp.mul(q.latents(), g)).backward().of(z).toFloats();
            for (int n = 0; n < 2; n++) {
                float[] e = normalized ? unit(values, 3 * n) : Arrays.copyOfRange(values, 3 * n, 3 * n + 3);
                double[] expected = byFormula(
                        e, Arrays.copyOfRange(plain.toFloats(), 3 * n, 3 * n + 3),
                        Arrays.copyOfRange(given, 3 * n, 3 * n + 3));
                if (normalized) { // and on through e = z / |z|
                    expected = acrossSphere(expected, e, norm(values, 3 * n));
                }
                for (int d = 0; d < 3; d++) {
                    assertThat((double) gradient[3 * n + d]).isCloseTo(expected[d], offset(1e-5));
                }
            }
        }
    }

    private static double norm(float[] v, int at) {
        return Math.sqrt(v[at] * v[at] + v[at + 1] * v[at + 1] + v[at + 2] * v[at + 2]);
    }

    private static float[] unit(float[] v, int at) {
        double norm = norm(v, at);
        return new float[] {(float) (v[at] / norm), (float) (v[at + 1] / norm), (float) (v[at + 2] / norm)};
    }

    /** {@code (g - e (e g)) / |z|}: what z gets where e = z / |z| gets g. */
    private static double[] acrossSphere(double[] g, float[] e, double norm) {
        double eg = e[0] * g[0] + e[1] * g[1] + e[2] * g[2];
        return new double[] {(g[0] - e[0] * eg) / norm, (g[1] - e[1] * eg) / norm, (g[2] - e[2] * eg) / norm};
    }

    /** {@code lambda R^T g} of one latent and its code. */
    private static double[] byFormula(float[] e, float[] q, float[] g) {
        double ofE = norm(e, 0);
        double ofQ = norm(q, 0);
        double norm = 0;
        double[] r = new double[3];
        for (int d = 0; d < 3; d++) {
            r[d] = e[d] / ofE + q[d] / ofQ;
            norm += r[d] * r[d];
        }
        double rg = 0;
        double qg = 0;
        for (int d = 0; d < 3; d++) {
            r[d] /= Math.sqrt(norm);
            rg += r[d] * g[d];
            qg += q[d] / ofQ * g[d];
        }
        double[] gradient = new double[3];
        for (int d = 0; d < 3; d++) {
            gradient[d] = ofQ / ofE * (g[d] - 2 * r[d] * rg + 2 * e[d] / ofE * qg);
        }
        return gradient;
    }

    @Test
    void aLatentOfNothingOrOnItsCodeHasTheStraightGradient() {
        Backend backend = TinyRuns.BACKEND;
        Codebook codebook = codebook(backend, 2, false);
        codebook.weight().write(new float[] {3, 0, 0, 0, 2, 0});
        float[] given = {0.5f, -1, 2, 0.25f, 3, -0.5f};
        try (Scope _ = Scope.training()) {
            Tensor z = Tensor.parameter(backend, Shape.of(2, 3, 1, 1), new float[] {0, 0, 0, 0, 2, 0});
            Codebook.Quantized q = codebook.quantize(z, codebook.weight(), Codebook.Gradient.ROTATION);
            assertThat(q.codes().toInts()).containsExactly(1, 1);
            Tensor g = Tensor.of(backend, Shape.of(2, 3, 1, 1), given);
            float[] gradient = ReduceOp.sum(ArithmeticOp.mul(q.latents(), g)).backward().of(z).toFloats();
            for (int i = 0; i < 3; i++) {
                assertThat(gradient[i]).isFinite();
                assertThat(gradient[3 + i]).isCloseTo(given[3 + i], offset(1e-5f));
            }
        }
    }

    @Test
    void codesAreSparedUntilTheirAverageHasFallen() {
        Recorder still = new Recorder();
        trainer(model(), "none", 75, RunOptions.NONE, still).run();
        Recorder moved = new Recorder();
        trainer(model(), "restart", 75, RunOptions.NONE, moved).run();
        assertThat(moved.losses().subList(0, 69)).isEqualTo(still.losses().subList(0, 69)); // 0.99^69 = 1/2
        assertThat(moved.losses()).isNotEqualTo(still.losses());
    }

    @ParameterizedTest
    @ValueSource(strings = {"kmeans", "restart", "rotation", "projection"})
    void aRunIsOnlyContinuedWithItsOwnCodebook(String kind) {
        RunOptions run = new RunOptions(folder.resolve("run"), 0, 1, 0, 0, 0);
        trainer(model(), "none", 2, run, new Recorder()).run();
        Path checkpoint = RunFolder.latest(run.folder()).orElseThrow();
        VqTrainer other = trainer(model(), kind, 2, run, new Recorder());
        assertThatThrownBy(() -> other.resume(checkpoint))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("stage.codebook.")
                .hasMessageContaining("a run can only be continued as it was begun");
    }

    /** Of 16 codes: fewer, or values that no run can have written. */
    @ParameterizedTest
    @CsvSource({"last_used, 15, 0", "last_used, 16, -2", "uses_per_step, 15, 0", "uses_per_step, 16, -1"})
    void aDamagedStateIsRefusedByItsName(String damaged, int length, int value) {
        RunOptions run = new RunOptions(folder.resolve("run"), 0, 1, 0, 0, 0);
        trainer(model(), "restart", 2, run, new Recorder()).run();
        Path checkpoint = RunFolder.latest(run.folder()).orElseThrow();
        SafeTensorsWriter other = new SafeTensorsWriter();
        for (String name : List.of("last_used", "uses_per_step")) {
            int[] values = new int[name.equals(damaged) ? length : 16];
            values[7] = name.equals(damaged) ? value : 0;
            other.ints(name, DType.I32, Shape.of(values.length), () -> values);
        }
        other.write(checkpoint.resolve(RunFolder.TASK));
        VqTrainer resumed = trainer(model(), "restart", 2, run, new Recorder());
        assertThatThrownBy(() -> resumed.resume(checkpoint))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("task.safetensors")
                .hasMessageContaining(damaged)
                .hasMessageContaining("expected");
    }

    @Test
    void waysThatExcludeEachOtherAreRefused() {
        assertThatThrownBy(() -> new CodebookOptions(
                CodebookOptions.Start.UNIFORM, 100, 0.5, Codebook.Gradient.STRAIGHT, false))
                .hasMessageContaining("expected one of the two");
        assertThatThrownBy(() -> new CodebookOptions(
                CodebookOptions.Start.KMEANS, 0, 0, Codebook.Gradient.STRAIGHT, true))
                .hasMessageContaining("the codes move together");
        assertThatThrownBy(() -> new CodebookOptions(
                CodebookOptions.Start.UNIFORM, 0, Double.NaN, Codebook.Gradient.STRAIGHT, false))
                .hasMessageContaining("restartBelow");
    }
}
