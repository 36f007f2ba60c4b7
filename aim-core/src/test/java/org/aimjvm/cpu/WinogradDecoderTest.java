package org.aimjvm.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.reflect.Proxy;
import java.util.SplittableRandom;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.nn.Params;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;
import org.junit.jupiter.api.Test;

/** The whole VQ-f16 tokenizer with random weights, by Winograd's algorithm and by direct convolutions. */
class WinogradDecoderTest {
    private static final int SIDE = 16;

    /** Pixels are about [-1, 1]; the step of an 8-bit pixel is 8e-3. */
    @Test
    void pixelsDifferByLessThanAThousandthFromDirectConvolutions() {
        assumeTrue(new VectorBackendProvider().availability().available(), "the Vector module is not resolved");
        float[] direct = decode(new VectorBackend(2, s -> false));
        float[] fast = decode(new VectorBackend(2));
        double most = 0;
        double squares = 0;
        double norm = 0;
        for (int i = 0; i < direct.length; i++) {
            double d = Math.abs(fast[i] - (double) direct[i]);
            most = Math.max(most, d);
            squares += d * d;
            norm += (double) direct[i] * direct[i];
        }
        System.out.printf(
                "VQ-f16 decoder, Winograd against direct: greatest difference %.2e, root mean square %.2e of %.3f%n",
                most, Math.sqrt(squares / direct.length), Math.sqrt(norm / direct.length));
        assertThat(norm / direct.length).isGreaterThan(0.01);
        assertThat(most).isBetween(1e-9, 1e-3);
    }

    /**
     * Memory of a decode in constant size: each tensor's is handed out again, so what is allocated is what is ever in
     * use.
     */
    @Test
    void aPictureTakesLessThan300MegabytesBesideTheWeights() {
        assumeTrue(new VectorBackendProvider().availability().available(), "the Vector module is not resolved");
        Backend vector = new VectorBackend(2);
        long[] allocated = new long[1];
        Backend counting = (Backend) Proxy.newProxyInstance(
                Backend.class.getClassLoader(), new Class<?>[] {Backend.class}, (proxy, method, args) -> {
                    if (method.getName().equals("allocate")) {
                        allocated[0] += 4L * (int) args[1];
                    }
                    return method.invoke(vector, args);
                });
        VqModel model = new VqModel(Params.random(counting, 3), VqConfig.f16());
        allocated[0] = 0;
        try (Scope _ = Scope.inference()) {
            Tensor codes = Tensor.ofInts(counting, Shape.of(SIDE * SIDE), new int[SIDE * SIDE]);
            model.decode(codes, 1, SIDE, SIDE);
            long first = allocated[0];
            model.encode(Tensor.full(counting, Shape.of(1, 3, 16 * SIDE, 16 * SIDE), 0.25f));
            System.out.printf("VQ-f16, tensors: %.0f MB to decode, %.0f MB more to encode%n",
                    first / 1e6, (allocated[0] - first) / 1e6);
            assertThat(allocated[0]).isLessThan(300_000_000L);
        }
    }

    private static float[] decode(Backend backend) {
        VqModel model = new VqModel(Params.random(backend, 3), VqConfig.f16());
        SplittableRandom random = new SplittableRandom(2);
        int[] codes = random.ints(SIDE * SIDE, 0, model.config().nEmbed()).toArray();
        try (Scope _ = Scope.inference()) {
            Tensor ids = Tensor.ofInts(backend, Shape.of(codes.length), codes);
            return model.decode(ids, 1, SIDE, SIDE).toFloats();
        }
    }
}
