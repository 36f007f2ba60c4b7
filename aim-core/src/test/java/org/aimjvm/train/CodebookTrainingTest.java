package org.aimjvm.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.data.PictureSource;
import org.aimjvm.io.SafeTensors;
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
import org.junit.jupiter.params.provider.ValueSource;

/** Starts, restarts, gradients and projections of a codebook. */
class CodebookTrainingTest {
    private static final int STEPS = 8;

    @TempDir Path folder;

    private static CodebookOptions options(String kind) {
        CodebookOptions none = CodebookOptions.DEFAULT.withReviveAfter(0);
        return switch (kind) {
            case "none" -> none;
            case "kmeans" -> new CodebookOptions(CodebookOptions.Start.KMEANS, 0, 0, none.gradient(), false);
            case "restart" -> new CodebookOptions(none.start(), 0, 6, none.gradient(), false);
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

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void rotationHasTheBitsOfTheCodesAndTheGradientOfItsFormula(boolean normalized) {
        Backend backend = TinyRuns.BACKEND;
        VqConfig config = VqConfig.builder().ch(1).chMult(List.of(1)).numResBlocks(1).zChannels(1).nEmbed(5)
                .embedDim(3).channels(1, 1).normGroups(1).l2Norm(normalized).build();
        Codebook codebook = new Codebook(Params.random(backend, 2), config);
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
            if (normalized) {
                return; // the gradient goes on through the normalisation, which has its own test
            }
            Tensor g = Tensor.of(backend, Shape.of(2, 3, 1, 1), given);
            float[] gradient = ReduceOp.sum(ArithmeticOp.mul(q.latents(), g)).backward().of(z).toFloats();
            for (int n = 0; n < 2; n++) {
                double[] expected = byFormula(values, plain.toFloats(), given, 3 * n);
                for (int d = 0; d < 3; d++) {
                    assertThat((double) gradient[3 * n + d]).isCloseTo(expected[d], offset(1e-5));
                }
            }
        }
    }

    /** {@code lambda R^T g} of one latent and its code. */
    private static double[] byFormula(float[] e, float[] q, float[] g, int at) {
        double ofE = 0;
        double ofQ = 0;
        for (int d = at; d < at + 3; d++) {
            ofE += e[d] * e[d];
            ofQ += q[d] * q[d];
        }
        ofE = Math.sqrt(ofE);
        ofQ = Math.sqrt(ofQ);
        double norm = 0;
        double[] r = new double[3];
        for (int d = 0; d < 3; d++) {
            r[d] = e[at + d] / ofE + q[at + d] / ofQ;
            norm += r[d] * r[d];
        }
        double rg = 0;
        double qg = 0;
        for (int d = 0; d < 3; d++) {
            r[d] /= Math.sqrt(norm);
            rg += r[d] * g[at + d];
            qg += q[at + d] / ofQ * g[at + d];
        }
        double[] gradient = new double[3];
        for (int d = 0; d < 3; d++) {
            gradient[d] = ofQ / ofE * (g[at + d] - 2 * r[d] * rg + 2 * e[at + d] / ofE * qg);
        }
        return gradient;
    }

    @Test
    void waysThatExcludeEachOtherAreRefused() {
        assertThatThrownBy(() -> new CodebookOptions(
                CodebookOptions.Start.UNIFORM, 100, 2, Codebook.Gradient.STRAIGHT, false))
                .hasMessageContaining("expected one of the two");
        assertThatThrownBy(() -> new CodebookOptions(
                CodebookOptions.Start.KMEANS, 0, 0, Codebook.Gradient.STRAIGHT, true))
                .hasMessageContaining("the codes move together");
        assertThatThrownBy(() -> new CodebookOptions(
                CodebookOptions.Start.UNIFORM, 0, Double.NaN, Codebook.Gradient.STRAIGHT, false))
                .hasMessageContaining("restartBelow");
    }
}
