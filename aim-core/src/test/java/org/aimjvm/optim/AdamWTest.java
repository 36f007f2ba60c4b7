package org.aimjvm.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.aimjvm.EverySimdWidth;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.Shape;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.Npy;
import org.aimjvm.io.SafeTensors;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.TensorSource;
import org.aimjvm.optim.AdamWOptions.DecayRule;
import org.aimjvm.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@EverySimdWidth
class AdamWTest {
    private static final Backend BACKEND = Backends.best();

    @TempDir Path folder;

    private static Npy golden(String name) throws URISyntaxException {
        return Npy.read(
                Path.of(AdamWTest.class.getResource("/golden/kernels/optimizers/" + name + ".npy").toURI()));
    }

    private static Tensor parameter(String golden) throws URISyntaxException {
        Npy npy = golden(golden);
        return Tensor.parameter(BACKEND, npy.shape(), npy.floats());
    }

    private static void assertClose(float[] got, Npy expected, double atol, double rtol) {
        float[] e = expected.floats();
        for (int i = 0; i < e.length; i++) {
            assertThat((double) got[i]).isCloseTo(e[i], within(atol + rtol * Math.abs(e[i])));
        }
    }

    @ParameterizedTest
    @CsvSource({"adamw, 0.001, 0.05", "adamw_nowd, 0.0008, 0", "adam, 0.0001, 0"})
    void equalsTheGoldenUpdates(String name, double lr, double decay) throws URISyntaxException {
        Tensor p = parameter("p0");
        AdamW optimizer = new AdamW(
                Map.of("p", p), new AdamWOptions(lr, 0.9, 0.95, 1e-8, decay, DecayRule.BY_DIMENSION, 0));
        for (int step = 1; step <= 3; step++) {
            optimizer.step(Map.of("p", parameter("g" + step)), lr, 1);
            assertClose(p.toFloats(), golden(name + "_p" + step), 1e-6, 1e-6);
        }
        SafeTensorsWriter state = new SafeTensorsWriter();
        optimizer.save(state);
        state.write(folder.resolve("s"));
        try (TensorSource file = SafeTensors.open(folder.resolve("s"))) {
            assertClose(file.readFloats("exp_avg.p"), golden(name + "_m"), 1e-7, 1e-5);
            assertClose(file.readFloats("exp_avg_sq.p"), golden(name + "_v"), 1e-8, 1e-5);
            assertThat(file.metadata()).containsEntry("step", "3");
        }
    }

    @Test
    void clipsTheGlobalNorm() throws URISyntaxException {
        Map<String, Tensor> params = new LinkedHashMap<>();
        params.put("a", Tensor.parameter(BACKEND, golden("clip_g1").shape(), new float[20]));
        params.put("b", Tensor.parameter(BACKEND, golden("clip_g2").shape(), new float[7]));
        AdamW optimizer = new AdamW(params, new AdamWOptions(0, 0, 0.5, 1e-8, 0, DecayRule.NONE, 1));
        double norm = optimizer.step(Map.of("a", parameter("clip_g1"), "b", parameter("clip_g2")), 0, 1);
        assertThat(norm).isCloseTo(golden("clip_total_norm").floats()[0], within(2e-5 * norm));
        SafeTensorsWriter state = new SafeTensorsWriter();
        optimizer.save(state);
        state.write(folder.resolve("s"));
        try (TensorSource file = SafeTensors.open(folder.resolve("s"))) {
            // beta1 = 0: the clipped gradient
            assertClose(file.readFloats("exp_avg.a"), golden("clip_g1_out"), 1e-6, 1e-5);
            assertClose(file.readFloats("exp_avg.b"), golden("clip_g2_out"), 1e-6, 1e-5);
        }
    }

    private static Map<String, Tensor> two() {
        Map<String, Tensor> params = new LinkedHashMap<>();
        params.put("matrix", Tensor.parameter(BACKEND, Shape.of(2, 2), 1, 2, 3, 4));
        params.put("vector", Tensor.parameter(BACKEND, Shape.of(2), 5, 6));
        return params;
    }

    @Test
    void decayFollowsTheRuleAndMissingGradientsLeaveAlone() {
        Map<String, Tensor> zeros =
                Map.of("matrix", Tensor.zeros(BACKEND, Shape.of(2, 2)), "vector", Tensor.zeros(BACKEND, Shape.of(2)));
        for (DecayRule rule : DecayRule.values()) {
            Map<String, Tensor> params = two();
            AdamW optimizer = new AdamW(params, new AdamWOptions(1, 0.9, 0.95, 1e-8, 0.5, rule, 0));
            optimizer.step(zeros, 1, 1);
            assertThat(params.get("matrix").toFloats()[3]).isEqualTo(rule == DecayRule.NONE ? 4 : 2);
            assertThat(params.get("vector").toFloats()[0]).isEqualTo(rule == DecayRule.ALL ? 2.5f : 5);
        }
        Map<String, Tensor> params = two();
        new AdamW(params, new AdamWOptions(1, 0.9, 0.95, 1e-8, 0.5, DecayRule.ALL, 0)).step(Map.of(), 1, 1);
        assertThat(params.get("matrix").toFloats()).containsExactly(1, 2, 3, 4);
    }

    @Test
    void aGradientThatIsNotFiniteChangesNothing() {
        Map<String, Tensor> params = two();
        AdamW optimizer = new AdamW(params, AdamWOptions.of(1));
        assertThatThrownBy(() -> optimizer.step(Map.of("vector", Tensor.of(BACKEND, Shape.of(2), 1, Float.NaN)), 1, 1))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("gradient norm: NaN in optimiser step 1");
        assertThat(params.get("vector").toFloats()).containsExactly(5, 6);
        assertThat(optimizer.steps()).isZero();
    }

    @Test
    void stateOfOtherParametersIsRefused() {
        SafeTensorsWriter state = new SafeTensorsWriter();
        new AdamW(two(), AdamWOptions.of(1)).save(state);
        state.write(folder.resolve("s"));
        AdamW other = new AdamW(
                Map.of(
                        "matrix", Tensor.parameter(BACKEND, Shape.of(3), 1, 2, 3),
                        "new", Tensor.parameter(BACKEND, Shape.of(1), 1)),
                AdamWOptions.of(1));
        try (TensorSource file = SafeTensors.open(folder.resolve("s"))) {
            assertThatThrownBy(() -> other.load(file))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("exp_avg.matrix: shape (2, 2), expected (3)")
                    .hasMessageContaining("exp_avg.new: missing")
                    .hasMessageContaining("exp_avg.vector: unexpected");
        }
    }

    @Test
    void optionsAreChecked() {
        assertThatThrownBy(() -> new AdamWOptions(1, 1, 0.9, 1e-8, 0, DecayRule.ALL, 0))
                .hasMessage("beta1: 1.0 (expected 0 <= beta1 < 1)");
        assertThatThrownBy(() -> AdamWOptions.of(Double.NaN)).hasMessageStartingWith("lr: NaN");
    }
}
