package org.aimjvm.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.aimjvm.backend.SoftmaxKernels;
import org.aimjvm.backend.SoftmaxKernels.AttentionShape;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CudaSoftmaxKernelsTest {
    private static final double FORWARD = 1e-6;
    private static final double BACKWARD = 1e-5;

    @BeforeAll
    static void available() {
        CudaTests.backend();
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "3, 17", "5, 256", "2, 1000", "1, 2048", "2, 2049", "1, 16384", "0, 5"})
    void softmax(int rows, int cols) {
        Twin x = Twin.random(1, -9, 9, rows * cols);
        Twin y = Twin.output(rows * cols);
        Twin.run(b -> b.softmax().softmax(y.on(b), x.on(b), 0.7f, rows, cols));
        y.assertClose("y", FORWARD);
        Twin inPlace = Twin.modified(Twin.floats(1, -9, 9, rows * cols));
        Twin.run(b -> b.softmax().softmax(inPlace.on(b), inPlace.on(b), 0.7f, rows, cols));
        assertThat(inPlace.device()).as("in place").isEqualTo(y.device());
        Twin dy = Twin.random(2, -1, 1, rows * cols);
        Twin dx = Twin.output(rows * cols);
        Twin.run(b -> b.softmax().softmaxBackward(dx.on(b), dy.on(b), y.on(b), 0.7f, rows, cols));
        if (cols > 1) {
            dx.assertClose("dx", BACKWARD);
        }
        Twin overDy = Twin.modified(Twin.floats(2, -1, 1, rows * cols));
        Twin.run(b -> b.softmax().softmaxBackward(overDy.on(b), overDy.on(b), y.on(b), 0.7f, rows, cols));
        assertThat(overDy.device()).as("over dy").isEqualTo(dx.device());
    }

    @Test
    void softmaxOfExtremes() {
        float inf = Float.POSITIVE_INFINITY;
        int cols = 600;
        float[] x = new float[5 * cols];
        Arrays.fill(x, 0, cols, -inf); // one number among nothing
        x[7] = 3;
        Arrays.fill(x, cols, 2 * cols, 1e38f);
        Arrays.fill(x, 2 * cols, 3 * cols, -1e38f);
        x[3 * cols + 400] = Float.NaN;
        x[4 * cols + 9] = inf;
        Twin xs = Twin.of(x);
        Twin y = Twin.output(x.length);
        Twin loss = Twin.output(5);
        Twin logSumExp = Twin.output(5);
        Twin targets = Twin.of(7, 0, 0, 0, 0);
        Twin.run(b -> {
            b.softmax().softmax(y.on(b), xs.on(b), 1f, 5, cols);
            b.softmax().crossEntropy(loss.on(b), logSumExp.on(b), xs.on(b), targets.on(b), 5, cols);
        });
        float[] p = y.device();
        assertThat(p[7]).isEqualTo(1f);
        assertThat(p[8]).isEqualTo(0f);
        assertThat(p[cols]).isCloseTo(1f / cols, within(1e-8f));
        assertThat(p[2 * cols]).isCloseTo(1f / cols, within(1e-8f));
        assertThat(p[3 * cols]).isNaN();
        assertThat(p[4 * cols]).isNaN();
        assertThat(loss.device()[0]).isZero();
        assertThat(loss.device()[1]).isCloseTo((float) Math.log(cols), within(1e-5f));
        assertThat(loss.device()[3]).isNaN();
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "3, 17", "5, 256", "2, 1000", "1, 2049", "2, 16384", "0, 5"})
    void crossEntropy(int rows, int cols) {
        Twin logits = Twin.random(1, -9, 9, rows * cols);
        Twin targets = Twin.ints(2, cols, rows);
        Twin loss = Twin.output(rows);
        Twin logSumExp = Twin.output(rows);
        Twin.run(b -> b.softmax()
                .crossEntropy(loss.on(b), logSumExp.on(b), logits.on(b), targets.on(b), rows, cols));
        loss.assertClose("loss", FORWARD);
        logSumExp.assertClose("logSumExp", FORWARD);
        Twin dLoss = Twin.random(3, -1, 1, rows);
        Twin dLogits = Twin.output(rows * cols);
        Twin.run(b -> b.softmax()
                .crossEntropyBackward(
                        dLogits.on(b), dLoss.on(b), logits.on(b), logSumExp.on(b), targets.on(b), rows, cols));
        dLogits.assertClose("dLogits", BACKWARD);
        Twin inPlace = Twin.modified(Twin.floats(1, -9, 9, rows * cols));
        Twin.run(b -> b.softmax()
                .crossEntropyBackward(
                        inPlace.on(b), dLoss.on(b), inPlace.on(b), logSumExp.on(b), targets.on(b), rows, cols));
        assertThat(inPlace.device()).as("in place").isEqualTo(dLogits.device());
    }

    @Test
    void lossOfAnUnknownClassIsNaN() {
        Twin logits = Twin.random(1, -1, 1, 9);
        Twin targets = Twin.of(3, 0, -1);
        Twin loss = Twin.output(3);
        Twin logSumExp = Twin.output(3);
        CudaBackend b = CudaTests.backend();
        b.softmax().crossEntropy(loss.on(b), logSumExp.on(b), logits.on(b), targets.on(b), 3, 3);
        assertThat(loss.device()[0]).isNaN();
        assertThat(loss.device()[1]).isNotNaN();
        assertThat(loss.device()[2]).isNaN();
    }

    @ParameterizedTest
    @CsvSource({
        "1, 1, 1, 1, 1", "2, 9, 2, 1, 6", "1, 65, 3, 1, 16", "2, 130, 4, 2, 33", "1, 64, 2, 2, 64", "1, 70, 2, 1, 100",
        "1, 67, 1, 1, 128", "1, 66, 2, 1, 150", "0, 5, 2, 1, 8", "1, 3, 2, 1, 260"})
    void causalAttention(int batch, int length, int heads, int kvHeads, int headDim) {
        int n = batch * length * heads * headDim;
        int kvN = batch * length * kvHeads * headDim;
        AttentionShape s = AttentionShape.whole(batch, length, heads, kvHeads, headDim);
        Twin q = Twin.random(1, -1.5, 1.5, n);
        Twin k = Twin.random(2, -1.5, 1.5, kvN);
        Twin v = Twin.random(3, -1, 1, kvN);
        Twin out = Twin.output(n);
        Twin.run(b -> b.softmax()
                .causalAttention(
                        out.on(b), q.on(b), k.on(b), v.on(b), null, s));
        out.assertClose("out", FORWARD);
        Twin dOut = Twin.random(4, -1, 1, n);
        Twin dq = Twin.output(n);
        Twin dk = Twin.output(kvN);
        Twin dv = Twin.output(kvN);
        Twin.run(b -> b.softmax()
                .causalAttentionBackward(
                        new SoftmaxKernels.AttentionGradients(dq.on(b), dk.on(b), dv.on(b)), dOut.on(b), q.on(b),
                        k.on(b), v.on(b), s));
        if (length > 1) {
            dq.assertClose("dq", BACKWARD);
            dk.assertClose("dk", BACKWARD);
        }
        dv.assertClose("dv", BACKWARD);
    }

    /** Queries that follow cached keys; what is cached after the keys in use is NaN. */
    @ParameterizedTest
    @CsvSource({
        "1, 1, 1, 5, 1, 1, 1", "2, 1, 300, 311, 4, 2, 64", "1, 3, 130, 140, 2, 1, 33", "2, 1, 5, 8, 2, 1, 128",
        "1, 20, 90, 100, 2, 2, 16", "1, 65, 70, 80, 1, 1, 100", "1, 2, 200, 200, 1, 1, 140", "1, 4, 2, 9, 2, 1, 8",
        "1, 9, 2, 9, 2, 1, 8"})
    void attentionToACache(int batch, int queries, int used, int capacity, int heads, int kvHeads, int headDim) {
        int width = kvHeads * headDim;
        float[] keys = Twin.floats(2, -1.5, 1.5, batch * capacity * width);
        float[] values = Twin.floats(3, -1, 1, batch * capacity * width);
        for (int b = 0; b < batch; b++) {
            Arrays.fill(keys, (b * capacity + used) * width, (b + 1) * capacity * width, Float.NaN);
            Arrays.fill(values, (b * capacity + used) * width, (b + 1) * capacity * width, Float.NaN);
        }
        Twin q = Twin.random(1, -1.5, 1.5, batch * queries * heads * headDim);
        Twin k = Twin.of(keys);
        Twin v = Twin.of(values);
        Twin length = Twin.of(used);
        Twin out = Twin.output(batch * queries * heads * headDim);
        Twin.run(b -> b.softmax()
                .causalAttention(
                        out.on(b), q.on(b), k.on(b), v.on(b), length.on(b),
                        new AttentionShape(batch, queries, capacity, heads, kvHeads, headDim)));
        out.assertClose("out", FORWARD);
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 1, 1", "2, 3, 9, 5", "3, 1, 4, 300", "0, 2, 8, 3"})
    void appendsToACache(int batch, int added, int capacity, int width) {
        Twin keys = Twin.modified(Twin.floats(1, -1, 1, batch * capacity * width));
        Twin values = Twin.modified(Twin.floats(2, -1, 1, batch * capacity * width));
        Twin length = Twin.modified(0);
        for (int time = 0; (time + 1) * added <= capacity && time < 3; time++) {
            Twin k = Twin.random(3 + time, -1, 1, batch * added * width);
            Twin v = Twin.random(7 + time, -1, 1, batch * added * width);
            Twin.run(b -> b.softmax()
                    .appendKeysAndValues(
                            new SoftmaxKernels.KeyValues(
                                    keys.on(b), values.on(b), length.on(b), batch, capacity, width),
                            k.on(b), v.on(b), added));
            keys.assertSame("keys");
            values.assertSame("values");
            length.assertSame("length");
        }
    }

    @Test
    void aFullCacheStaysAsItIs() {
        Twin keys = Twin.modified(1f, 2f, 3f);
        Twin values = Twin.modified(4f, 5f, 6f);
        Twin length = Twin.modified(2);
        Twin more = Twin.of(7f, 8f);
        CudaBackend b = CudaTests.backend();
        b.softmax()
                .appendKeysAndValues(
                        new SoftmaxKernels.KeyValues(keys.on(b), values.on(b), length.on(b), 1, 3, 1), more.on(b),
                        more.on(b), 2);
        assertThat(keys.device()).containsExactly(1, 2, 3);
        assertThat(values.device()).containsExactly(4, 5, 6);
        assertThat(length.deviceInts()).containsExactly(2);
    }
}
