package org.aimjvm.bench;

import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.CausalConv1d;
import org.aimjvm.backend.CausalConvShape;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.SelectiveScan;
import org.aimjvm.backend.SelectiveShape;
import org.aimjvm.backend.SsdScan;
import org.aimjvm.backend.SsdSettings;
import org.aimjvm.backend.SsdShape;
import org.aimjvm.backend.Storage;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * State-space kernels at the shapes of a small training run, of AiM-B and of one decoding step of AiM-B under guidance.
 * Prints what the SSD scan's matrix products and states amount to, for GFLOP/s and GB/s: floating-point operations
 * forward and backward, bytes of state read and written.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 1, jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Daim.simd.warmup=0", "-Xmx4g"})
@Warmup(iterations = 5, time = 2)
@Measurement(iterations = 7, time = 1)
@State(Scope.Benchmark)
public class SsmBenchmark {
    private static final int CHUNK = 64;
    private static final int WIDTH = 4;
    /** States that decoding steps go through in turn, as many as AiM-B has layers: more than the cache holds. */
    private static final int LAYERS = 24;
    /** State size of Mamba-1, whose channels are taken to be those of the SSD scan. */
    private static final int SCAN_STATE = 16;

    /** A row of {@link #shape}; decoding starts from a state and leaves one. */
    @Param({"training", "aim-b", "decode"}) public String setting;

    @Param({"vector"}) public String backendName;

    private Backend backend;
    private boolean decoding;
    private SsdShape s;
    private Storage xbc;
    private Storage dXbc;
    private Storage xbcOut;
    private Storage dt;
    private Storage dDt;
    private Storage perHead;
    private Storage dPerHead;
    private Storage y;
    private Storage[] states;
    private Storage[] convStates;
    private int layer;
    private Storage taps;
    private Storage dTaps;
    private Storage perChannel;
    private Storage dPerChannel;
    private Storage x;
    private Storage dX;
    private Storage dDelta;
    private Storage rates;
    private Storage dRates;
    private Storage bc;
    private Storage dB;
    private Storage dC;
    private Storage[] scanStates;

    private static SsdShape shape(String setting) {
        return switch (setting) {
            case "training" -> new SsdShape(64, 64, SsdSettings.unlimited(8, 64, 1, 64), false);
            case "aim-b" -> new SsdShape(4, 256, SsdSettings.unlimited(24, 64, 1, 128), false);
            case "decode" -> new SsdShape(2, 1, SsdSettings.unlimited(24, 64, 1, 128), false);
            default ->
                    throw new IllegalArgumentException("setting: " + setting + " (expected training, aim-b or decode)");
        };
    }

    /** Fills all arrays. */
    @Setup(Level.Trial)
    public void fill() {
        backend = Backends.open(backendName, Backends.defaultThreads());
        s = shape(setting);
        decoding = s.length() == 1;
        int rows = s.batch() * s.length();
        xbc = random(rows * s.xbcDim());
        dXbc = random(rows * s.xbcDim());
        xbcOut = random(rows * s.xbcDim());
        dt = random(rows * s.heads());
        dDt = random(rows * s.heads());
        perHead = random(s.heads());
        dPerHead = random(s.heads());
        y = random(rows * s.innerDim());
        states = randoms(s.stateShape().size());
        convStates = randoms(s.batch() * s.xbcDim() * WIDTH);
        taps = random(s.xbcDim() * WIDTH);
        dTaps = random(s.xbcDim() * WIDTH);
        perChannel = random(s.xbcDim());
        dPerChannel = random(s.xbcDim());
        x = random(rows * s.innerDim());
        dX = random(rows * s.innerDim());
        dDelta = random(rows * s.innerDim());
        rates = random(s.innerDim() * SCAN_STATE);
        dRates = random(s.innerDim() * SCAN_STATE);
        bc = random(rows * SCAN_STATE);
        dB = random(rows * SCAN_STATE);
        dC = random(rows * SCAN_STATE);
        scanStates = randoms(s.batch() * s.innerDim() * SCAN_STATE);
        report(rows);
    }

    private void report(int rows) {
        if (decoding) {
            System.out.printf(Locale.ROOT, "bytes of state read and written: ssdScan %d, selectiveScan %d%n",
                    8L * s.stateShape().size(),
                    8L * s.batch() * s.innerDim() * SCAN_STATE);
            return;
        }
        double chunks = Math.ceil((double) s.length() / CHUNK);
        double inside = (CHUNK + 1.0) * s.headDim(); // a triangle of decays times x
        double carried = 2.0 * s.headDim() * s.dState() * (chunks - 1) / chunks; // one product with or into a state
        double shared = (CHUNK + 1.0) * s.dState(); // C B^T, once for all heads
        System.out.printf(Locale.ROOT, "ssdScan: %.3g FLOP forward, %.3g backward%n",
                rows * (s.heads() * (inside + 2 * carried) + shared),
                rows * (s.heads() * (2 * inside + 6 * carried) + 3 * shared));
    }

    private Storage random(int n) {
        SplittableRandom random = new SplittableRandom(n);
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextDouble(-1, 1);
        }
        Storage storage = backend.allocate(DType.F32, n);
        backend.write(storage, 0, values, 0, n);
        return storage;
    }

    private Storage[] randoms(int n) {
        Storage[] all = new Storage[decoding ? LAYERS : 1];
        for (int i = 0; i < all.length; i++) {
            all[i] = random(n);
        }
        return all;
    }

    /** The state of the next layer when decoding, else none. */
    private Storage next(Storage[] all) {
        layer = (layer + 1) % LAYERS;
        return decoding ? all[layer] : null;
    }

    private SsdScan.Inputs ssd(Storage initialState) {
        return new SsdScan.Inputs(xbc, dt, perHead, perHead, perHead, initialState);
    }

    private CausalConv1d.Inputs conv() {
        return new CausalConv1d.Inputs(xbc, taps, perChannel, true);
    }

    private CausalConvShape convShape() {
        return new CausalConvShape(s.batch(), s.length(), s.xbcDim(), WIDTH);
    }

    private SelectiveScan.Inputs selective(Storage initialState) {
        return new SelectiveScan.Inputs(x, x, perChannel, rates, bc, bc, perChannel, initialState);
    }

    private SelectiveShape selectiveShape() {
        return new SelectiveShape(s.batch(), s.length(), s.innerDim(), SCAN_STATE);
    }

    /** SSD scan; from and to a state when decoding. */
    @Benchmark
    public void ssdForward() {
        Storage kept = next(states);
        backend.ssm().ssdScan(y, kept, ssd(kept), s);
    }

    /** SSD scan and its gradient. */
    @Benchmark
    public void ssdForwardBackward() {
        backend.ssm().ssdScan(y, null, ssd(null), s);
        SsdScan.Gradients out = new SsdScan.Gradients(dXbc, dDt, dPerHead, dPerHead, dPerHead, null);
        backend.ssm().ssdScanBackward(out, y, null, ssd(null), s);
    }

    /** Causal convolution of x, B and C with SiLU; from and to a state when decoding. */
    @Benchmark
    public void convForward() {
        backend.ssm().causalConv1d(xbcOut, next(convStates), conv(), convShape());
    }

    /** Causal convolution and its gradient. */
    @Benchmark
    public void convForwardBackward() {
        backend.ssm().causalConv1d(xbcOut, null, conv(), convShape());
        CausalConv1d.Gradients out = new CausalConv1d.Gradients(dXbc, dTaps, dPerChannel);
        backend.ssm().causalConv1dBackward(out, xbcOut, conv(), convShape());
    }

    /** Selective scan of Mamba-1 on as many channels; from and to a state when decoding. */
    @Benchmark
    public void selectiveScanForward() {
        Storage kept = next(scanStates);
        backend.ssm().selectiveScan(y, kept, selective(kept), selectiveShape());
    }

    /** Selective scan and its gradient. */
    @Benchmark
    public void selectiveScanForwardBackward() {
        backend.ssm().selectiveScan(y, null, selective(null), selectiveShape());
        SelectiveScan.Gradients out =
                new SelectiveScan.Gradients(dX, dDelta, dPerChannel, dRates, dB, dC, dPerChannel, null);
        backend.ssm().selectiveScanBackward(out, y, null, selective(null), selectiveShape());
    }
}
