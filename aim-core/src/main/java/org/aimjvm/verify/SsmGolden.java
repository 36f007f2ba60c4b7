package org.aimjvm.verify;

import java.util.List;
import java.util.Map;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.backend.SsdSettings;
import org.aimjvm.op.elementwise.ArithmeticOp;
import org.aimjvm.op.elementwise.PointwiseOp;
import org.aimjvm.op.elementwise.SplitOp;
import org.aimjvm.op.elementwise.TransposeOp;
import org.aimjvm.op.ssm.CausalConv1dOp;
import org.aimjvm.op.ssm.ScanResult;
import org.aimjvm.op.ssm.SelectiveScanOp;
import org.aimjvm.op.ssm.SsdScanOp;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;

/**
 * Golden cases of the state-space operations. Sequences in them are (batch, channels, L) where the original's are; the
 * transpositions in between are differentiated too.
 */
final class SsmGolden {
    private SsmGolden() {}

    static void causalConv1d(GoldenCase c, GoldenChecks checks, Backend backend) {
        Differentiated.check(c, checks, backend, List.of("x", "weight"), List.of("bias"), in -> {
            Tensor x = TransposeOp.transpose(in.get("x")); // (batch, L, channels)
            Tensor y = CausalConv1dOp.causalConv1d(x, in.get("weight"), in.get("bias"), null, true);
            return Map.of("y", TransposeOp.transpose(y));
        });
    }

    static void selectiveScan(GoldenCase c, GoldenChecks checks, Backend backend) {
        List<String> optional = List.of("D", "z", "delta_bias", "initial_state");
        Differentiated.check(c, checks, backend, List.of("u", "delta", "A", "B", "C"), optional, in -> {
            Tensor aLog = PointwiseOp.log(ArithmeticOp.scale(in.get("A"), -1));
            ScanResult r = SelectiveScanOp.selectiveScanFrom(
                    TransposeOp.transpose(in.get("u")),
                    TransposeOp.transpose(in.get("delta")),
                    in.get("delta_bias"),
                    aLog,
                    TransposeOp.transpose(in.get("B")),
                    TransposeOp.transpose(in.get("C")),
                    in.get("D"),
                    in.get("initial_state"));
            Tensor out = TransposeOp.transpose(r.y());
            Tensor z = in.get("z");
            return Map.of(
                    "out", z == null ? out : ArithmeticOp.mul(out, PointwiseOp.silu(z)), "last_state", r.finalState());
        });
    }

    static void ssd(GoldenCase c, GoldenChecks checks, Backend backend) {
        List<String> required = List.of("x", "dt", "A_log", "B", "C");
        List<String> optional = List.of("D", "dt_bias", "initial_state");
        Differentiated.check(c, checks, backend, required, optional, in -> {
            SsdSettings settings = settings(in.get("x"), in.get("B"));
            ScanResult r = SsdScanOp.ssdScanFrom(
                    packed(in), in.get("dt"), biasOrZeros(in), in.get("A_log"), in.get("D"), in.get("initial_state"),
                    settings);
            return Map.of("y", r.y().reshape(in.get("x").shape()), "final_state", r.finalState());
        });
        if (required.stream().allMatch(c::has)) {
            for (int step : new int[] {c.shape("x").dim(1), 5, 1}) {
                ssdWithState(c, checks, backend, step);
            }
        }
    }

    private static SsdSettings settings(Tensor x, Tensor b) {
        return SsdSettings.unlimited(x.dim(2), x.dim(3), b.dim(2), b.dim(3));
    }

    /** [x | B | C] as the operation takes them. */
    private static Tensor packed(Map<String, Tensor> in) {
        return SplitOp.concat(flat(in.get("x")), flat(in.get("B")), flat(in.get("C")));
    }

    private static Tensor flat(Tensor t) {
        return t.reshape(t.dim(0), t.dim(1), t.dim(2) * t.dim(3));
    }

    private static Tensor biasOrZeros(Map<String, Tensor> in) {
        Tensor bias = in.get("dt_bias");
        return bias != null ? bias : Tensor.zeros(in.get("dt").backend(), Shape.of(in.get("dt").dim(2)));
    }

    /**
     * The same through the form that decoding uses, {@code step} elements at a time, each call leaving its state
     * to the next.
     */
    private static void ssdWithState(GoldenCase c, GoldenChecks checks, Backend backend, int step) {
        try (Scope _ = Scope.inference()) {
            Tensor x = c.tensor(backend, "x");
            Tensor b = c.tensor(backend, "B");
            Tensor dt = c.tensor(backend, "dt");
            Tensor bias = c.has("dt_bias") ? c.tensor(backend, "dt_bias") : Tensor.zeros(backend, Shape.of(dt.dim(2)));
            Tensor d = c.has("D") ? c.tensor(backend, "D") : null;
            Tensor packed = packed(Map.of("x", x, "B", b, "C", c.tensor(backend, "C")));
            SsdSettings settings = settings(x, b);
            Tensor state = c.has("initial_state")
                    ? c.tensor(backend, "initial_state")
                    : Tensor.zeros(backend,
                            Shape.of(x.dim(0), settings.heads(), settings.headDim(), settings.dState()));
            int length = x.dim(1);
            float[] y = new float[x.size()];
            for (int t = 0; t < length;) {
                int end = Math.min(length, t + step);
                Tensor part = SsdScanOp.ssdScan(
                        Sequences.slice(packed, t, end), Sequences.slice(dt, t, end), bias, c.tensor(backend, "A_log"),
                        d, state,
                        settings);
                Sequences.put(y, part, length, t);
                t = end;
            }
            String how = step == length ? " from a state" : " in steps of " + step;
            checks.floats("y", "y" + how, x.shape(), y);
            checks.array("final_state", "final_state" + how, state);
        }
    }
}
