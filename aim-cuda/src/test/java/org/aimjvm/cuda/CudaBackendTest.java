package org.aimjvm.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.BackendException;
import org.aimjvm.backend.BackendOptions;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.OutOfDeviceMemoryException;
import org.aimjvm.backend.Shape;
import org.aimjvm.backend.Storage;
import org.aimjvm.op.elementwise.ArithmeticOp;
import org.aimjvm.tensor.Captured;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.junit.jupiter.api.Test;

/** Memory, transfers, captures and launches. */
class CudaBackendTest {
    private final CudaBackend backend = CudaTests.backend();

    private Storage floats(float... values) {
        Storage s = backend.allocate(DType.F32, values.length);
        backend.write(s, 0, values, 0, values.length);
        return s;
    }

    private float[] read(Storage s) {
        float[] values = new float[s.size()];
        backend.read(s, 0, values, 0, values.length);
        return values;
    }

    @Test
    void saysWhatItIs() {
        assertThat(backend.name()).isEqualTo("cuda:0");
        assertThat(backend.description()).contains("compute capability").contains("f32");
        assertThat(Backends.open("cuda:0", 1).name()).isEqualTo("cuda:0");
        assertThatThrownBy(() -> Backends.open("cuda", BackendOptions.defaults().withOrdinal(99)))
                .isInstanceOf(BackendException.class).hasMessageContaining("there is no such GPU, expected 0 to ");
    }

    @Test
    void transfersLargerThanTheBuffer() {
        float[] values = new float[3_000_001];
        for (int i = 0; i < values.length; i++) {
            values[i] = i;
        }
        Storage s = backend.allocate(DType.F32, values.length);
        backend.write(s, 0, values, 0, values.length);
        assertThat(read(s)).isEqualTo(values);
        float[] part = new float[5];
        backend.read(s, 2_000_000, part, 1, 3);
        assertThat(part).containsExactly(0, 2_000_000, 2_000_001, 2_000_002, 0);
    }

    @Test
    void copiesAndFills() {
        Storage a = floats(1, 2, 3, 4, 5);
        Storage b = floats(0, 0, 0, 0);
        backend.copy(b, 1, a, 2, 2);
        backend.fill(b, 3, 1, -7);
        assertThat(read(b)).containsExactly(0, 3, 4, -7);
        assertThatThrownBy(() -> backend.copy(b, 3, a, 0, 2)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> backend.read(a, -1, new float[9], 0, 2)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> backend.write(a, 0, new int[1], 0, 1)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("storage: F32, expected I32");
    }

    @Test
    void scopesGiveAllMemoryBack() {
        long before = backend.context().memory().inUse();
        for (int i = 0; i < 3; i++) {
            try (Scope _ = Scope.inference()) {
                Tensor x = Tensor.full(backend, Shape.of(1000, 100), 1f);
                for (int j = 0; j < 5; j++) {
                    x = ArithmeticOp.add(x, x);
                }
                assertThat(backend.context().memory().inUse()).isGreaterThanOrEqualTo(before + 6 * 400_000);
            }
            assertThat(backend.context().memory().inUse()).isEqualTo(before);
        }
    }

    @Test
    void whatNobodyReachesIsGivenBack() throws InterruptedException {
        CudaBackend own = CudaTests.backend(backend.context().precision());
        for (int i = 0; i < 4; i++) {
            own.allocate(DType.F32, 1_000_000);
        }
        assertThat(own.context().memory().inUse()).isPositive();
        for (int i = 0; i < 100 && own.context().memory().inUse() > 0; i++) {
            System.gc();
            Thread.sleep(20);
        }
        assertThat(own.context().memory().inUse()).isZero();
        long held = own.context().memory().held();
        own.context().memory().trim();
        assertThat(own.context().memory().held()).isLessThan(held).isZero();
    }

    @Test
    void aReleasedStorageIsNotUsed() {
        Tensor[] escaped = new Tensor[1];
        try (Scope _ = Scope.inference()) {
            escaped[0] = Tensor.full(backend, Shape.of(3), 1f);
        }
        assertThatThrownBy(() -> escaped[0].toFloats()).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("used after its Scope closed");
    }

    @Test
    void tooMuchMemorySaysHowMuch() {
        assertThatThrownBy(() -> {
            Storage[] all = new Storage[1000];
            for (int i = 0; i < all.length; i++) {
                all[i] = backend.allocate(DType.F32, 2_000_000_000);
            }
        }).isInstanceOf(OutOfDeviceMemoryException.class)
                .hasMessageMatching("device memory: asked for \\d+ MiB, in use \\d+ MiB, free \\d+ MiB of \\d+ MiB .*");
        backend.context().memory().trim();
        assertThat(read(floats(1, 2))).containsExactly(1, 2);
    }

    @Test
    void theBatchThatWouldFitIsSaid() {
        OutOfDeviceMemoryException e = new OutOfDeviceMemoryException(600L << 20, 1500L << 20, 500L << 20, 2000L << 20);
        assertThat(e.forBatch(16, 500L << 20)).hasMessageEndingWith("of a batch of 16 at most 15 would fit");
        assertThat(e.forBatch(16, 1500L << 20)).hasMessageEndingWith("of a batch of 16 at most 13 would fit");
        assertThat(e.forBatch(1, 1500L << 20)).hasMessageEndingWith("not even a batch of one fits");
    }

    @Test
    void capturesAreReplayedOnNewContents() {
        Tensor x = Tensor.persistent(backend, Shape.of(700));
        try (Captured<Tensor> twice = new Captured<>(backend, () -> ArithmeticOp.add(ArithmeticOp.add(x, x), x))) {
            for (int i = 1; i < 4; i++) {
                float[] values = new float[700];
                Arrays.fill(values, i);
                x.write(values);
                assertThat(twice.run().toFloats()).containsOnly(3 * i);
            }
        }
    }

    @Test
    void transfersInsideACaptureFail() {
        Storage s = floats(1, 2);
        assertThatThrownBy(() -> backend.capture(() -> read(s))).isInstanceOf(IllegalStateException.class)
                .hasMessageStartingWith("read: inside a capture");
        assertThatThrownBy(() -> backend.capture(() -> backend.capture(() -> {
        }))).isInstanceOf(IllegalStateException.class).hasMessage("capture: inside another capture");
        assertThat(read(s)).containsExactly(1, 2);
    }

    @Test
    void storagesOfOthersAreRefused() {
        Backend other = CudaTests.reference();
        Storage host = other.allocate(DType.F32, 3);
        Storage here = floats(1, 2, 3);
        assertThatThrownBy(() -> backend.elementwise().add(here, host, here, 3))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("storage: of another backend, expected device memory");
    }

    @Test
    void launchesAreChecked() {
        Kernel add = backend.context().module("elementwise").kernel("add_f32");
        CudaStorage s = (CudaStorage) floats(1, 2, 3);
        Grid one = Grid.of(1, 256);
        assertThatThrownBy(() -> add.launch(one, s, s, s, 1f)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("add_f32: 4 arguments, expected 5, [y, a, b, sign, n]");
        assertThatThrownBy(() -> add.launch(one, s, s, s, 1, 3)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("add_f32: sign is Integer, expected a float");
        assertThatThrownBy(() -> add.launch(one, s, s, 1f, 1f, 3)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("add_f32: b is Float, expected device memory or a long");
        assertThatThrownBy(() -> add.launch(one, new Object[12])).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("add_f32: 12 arguments by position, expected at most 11 (name them)");
        assertThatThrownBy(() -> add.on(one).arg("y", s).arg("c", s)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("add_f32: no parameter c, expected one of [y, a, b, sign, n]");
        assertThatThrownBy(() -> add.on(one).arg("y", s).arg("y", s)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("add_f32: y is given twice");
        assertThatThrownBy(() -> add.on(one).arg("y", s).arg("b", null).launch())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("add_f32: no a, expected all of [y, a, b, sign, n]");
        assertThatThrownBy(() -> add.launch(Grid.of(1, 70000, 256), s, s, s, 1f, 3))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("expected at most 65535 blocks");
        assertThatThrownBy(() -> add.launch(Grid.of(1, 4096), s, s, s, 1f, 3)).isInstanceOf(BackendException.class)
                .hasMessageStartingWith("cuLaunchKernel of add_f32: CUDA_ERROR_INVALID_VALUE");
        assertThatThrownBy(() -> backend.context().module("elementwise").kernel("nothing"))
                .isInstanceOf(BackendException.class)
                .hasMessage("kernels: no nothing in elementwise.ptx");
        assertThatThrownBy(() -> backend.context().module("nothing")).isInstanceOf(BackendException.class)
                .hasMessageStartingWith("kernels: no resource nothing.ptx");
    }

    @Test
    void limitsRun() {
        Storage x = floats(new float[1000]);
        backend.limits().orElseThrow().read(x, 1000);
        backend.limits().orElseThrow().update(x, 1000);
        assertThat(backend.limits().orElseThrow().multiplyAdd(2)).isPositive();
        for (var precision : org.aimjvm.backend.MatmulPrecision.values()) {
            assertThat(CudaTests.backend(precision).limits().orElseThrow().multiplyAdd(1)).as("%s", precision)
                    .isPositive();
        }
        backend.synchronize();
    }
}
