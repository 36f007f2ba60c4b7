package org.aimjvm.op.ssm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.Shape;
import org.aimjvm.backend.SsdSettings;
import org.aimjvm.op.elementwise.ReduceOp;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.junit.jupiter.api.Test;

/** What state-space operations refuse, and what they accept. */
class SsmOpsTest {
    private static final Backend BACKEND = Backends.open("scalar", 1);
    private static final SsdSettings SETTINGS = SsdSettings.unlimited(2, 3, 1, 4);

    private static Tensor zeros(int... dims) {
        return Tensor.persistent(BACKEND, Shape.of(dims));
    }

    private static Tensor parameter(int... dims) {
        Shape shape = Shape.of(dims);
        return Tensor.parameter(BACKEND, shape, new float[shape.size()]);
    }

    private static void expectRefusedInTraining(Runnable op) {
        try (Scope scope = Scope.training()) {
            assertThat(scope).isNotNull();
            assertThatThrownBy(op::run).isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("training scope");
        }
        try (Scope scope = Scope.inference()) {
            assertThat(scope).isNotNull();
            op.run();
        }
    }

    @Test
    void aStateInsideATrainingScopeIsRefused() {
        expectRefusedInTraining(
                () -> CausalConv1dOp.causalConv1d(zeros(1, 5, 3), parameter(3, 4), null, zeros(1, 3, 4), true));
        expectRefusedInTraining(() -> SsdScanOp.ssdScan(
                zeros(1, 5, 14), zeros(1, 5, 2), parameter(2), zeros(2), null, zeros(1, 2, 3, 4), SETTINGS));
        expectRefusedInTraining(() -> SelectiveScanOp.selectiveScan(
                zeros(1, 5, 3), zeros(1, 5, 3), null, parameter(3, 2), zeros(1, 5, 2), zeros(1, 5, 2), null,
                zeros(1, 3, 2)));
    }

    @Test
    void aFinalStateAloneHasAGradient() {
        Tensor xbc = Tensor.parameter(BACKEND, Shape.of(1, 1, 3), 2f, 3f, 5f);
        try (Scope scope = Scope.training()) {
            assertThat(scope).isNotNull();
            Tensor dt = zeros(1, 1, 1);
            ScanResult r =
                    SsdScanOp.ssdScanFrom(xbc, dt, zeros(1), zeros(1), null, null, SsdSettings.unlimited(1, 1, 1, 1));
            float[] dXbc = ReduceOp.sum(r.finalState()).backward().of(xbc).toFloats();
            float step = (float) Math.log(2);
            assertThat(dXbc).containsExactly(3 * step, 2 * step, 0f);
        }
    }

    @Test
    void wrongShapesAreNamed() {
        assertThatThrownBy(() -> CausalConv1dOp.causalConv1d(zeros(1, 5, 3), zeros(4, 4), null, null, true))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "causalConv1d: weight of shape (4, 4), expected (3, width) or (3, 1, width) for x (1, 5, 3)");
        assertThatThrownBy(() -> SsdScanOp.ssdScan(
                zeros(1, 5, 15), zeros(1, 5, 2), zeros(2), zeros(2), null, null, SETTINGS))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("ssdScan: xbc of shape (1, 5, 15), expected (1, 5, 14)");
        assertThatThrownBy(() -> SsdScanOp.ssdScan(
                zeros(1, 5, 14), zeros(1, 5, 2), zeros(2), zeros(2), null, zeros(2, 2, 3, 4), SETTINGS))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("ssdScan: state of shape (2, 2, 3, 4), expected (1, 2, 3, 4)");
        assertThatThrownBy(() -> SsdSettings.unlimited(6, 4, 4, 8))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("groups a divisor of heads");
        assertThatThrownBy(() -> new SsdSettings(6, 4, 2, 8, 2f, 1f))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("ssdScan: dt limits [2.0, 1.0] (expected 0 <= min <= max)");
    }

    @Test
    void noElementsLeaveTheStateAlone() {
        Tensor initial = Tensor.of(BACKEND, Shape.of(1, 2, 3, 4), new float[24]);
        float[] values = new float[24];
        values[7] = 3;
        initial.write(values);
        for (Backend backend : new Backend[] {BACKEND, Backends.best()}) {
            Tensor state = Tensor.of(backend, initial.shape(), values);
            SsdScanOp.ssdScan(
                    Tensor.zeros(backend, Shape.of(1, 0, 14)),
                    Tensor.zeros(backend, Shape.of(1, 0, 2)),
                    Tensor.zeros(backend, Shape.of(2)),
                    Tensor.zeros(backend, Shape.of(2)),
                    null,
                    state,
                    SETTINGS);
            assertThat(state.toFloats()).isEqualTo(values);
        }
    }
}
