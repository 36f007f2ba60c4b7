package org.aimjvm.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.Map;
import org.aimjvm.backend.Shape;
import org.aimjvm.io.SafeTensors;
import org.aimjvm.io.SafeTensorsWriter;
import org.aimjvm.io.TensorSource;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.train.TinyRuns;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmaTest {
    @TempDir Path folder;

    private final Tensor w = Tensor.parameter(TinyRuns.BACKEND, Shape.of(2), 1, 10);
    private final Ema ema = new Ema(Map.of("w", w), 0.5);

    @Test
    void followsTheParametersFasterAtFirst() {
        w.write(new float[] {2, 20});
        ema.update(); // decay (1 + 0) / (10 + 0)
        assertThat(ema.averages().get("w").toFloats()[0]).isCloseTo(1.9f, within(1e-6f));
        for (int i = 0; i < 40; i++) {
            ema.update();
        }
        w.write(new float[] {4, 20});
        ema.update(); // decay 0.5 by now
        assertThat(ema.averages().get("w").toFloats()[0]).isCloseTo(3f, within(1e-5f));
    }

    @Test
    void swapsInAndOutBitwise() {
        w.write(new float[] {0.1f, 0.3f});
        try (Ema.Swapped _ = ema.swap()) {
            assertThat(w.toFloats()).containsExactly(1, 10);
            assertThatThrownBy(ema::update).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(ema::swap).isInstanceOf(IllegalStateException.class);
        }
        assertThat(w.toFloats()).containsExactly(0.1f, 0.3f);
        assertThat(ema.averages().get("w").toFloats()).containsExactly(1, 10);
    }

    @Test
    void savedAndLoadedItContinuesBitwise() {
        w.write(new float[] {0.1f, 0.3f});
        ema.update();
        SafeTensorsWriter out = new SafeTensorsWriter();
        ema.save(out);
        out.write(folder.resolve("e"));
        Ema other = new Ema(Map.of("w", w), 0.5);
        try (TensorSource in = SafeTensors.open(folder.resolve("e"))) {
            other.load(in);
        }
        ema.update();
        other.update();
        assertThat(other.averages().get("w").toFloats())
                .containsExactly(ema.averages().get("w").toFloats());
    }
}
