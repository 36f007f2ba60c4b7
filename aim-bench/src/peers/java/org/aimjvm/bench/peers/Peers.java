package org.aimjvm.bench.peers;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.convolutional.Conv2d;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.backend.Conv2dShape;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Storage;
import org.aimjvm.bench.peers.OnnxBytes.Attribute;
import org.aimjvm.io.AtomicFiles;
import org.aimjvm.measure.LimitMeter;
import org.aimjvm.measure.VqCost;
import org.aimjvm.nn.Params;
import org.aimjvm.nn.Trace;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.openblas.global.openblas;

/**
 * Ours and theirs on the same work, in one process, in turns, on as many threads:
 *
 * <pre>
 * mvn -q -B -Ppeers package -DskipTests
 * java --add-modules=jdk.incubator.vector -Xmx8g -cp aim-bench/target/aim-bench.jar org.aimjvm.bench.peers.Peers
 * </pre>
 *
 * Arguments: some of {@code sgemm conv decoder} (default: all), and {@code csv=FILE}. Threads: {@code -Daim.threads}.
 */
public final class Peers {
    private static final int SIDE = 16;
    private static final int LATENT = 8;
    private static final String INPUT = "x";

    private final int threads = Backends.defaultThreads();
    private final Backend backend = Backends.open("vector", threads);
    private final LimitMeter meter = new LimitMeter(threads);
    private final StringBuilder csv = new StringBuilder();

    private Peers() {}

    public static void main(String[] args) throws IOException {
        // Read when the engine is loaded. Nothing is fetched at run time: the natives are in jars.
        System.setProperty("ai.djl.offline", "true");
        System.setProperty("ai.djl.pytorch.num_threads", Integer.toString(Backends.defaultThreads()));
        System.setProperty("ai.djl.pytorch.num_interop_threads", "1");
        Path file = null;
        List<String> works = new ArrayList<>();
        for (String arg : args) {
            if (arg.startsWith("csv=")) {
                file = Path.of(arg.substring("csv=".length()));
            } else if (List.of("sgemm", "conv", "decoder").contains(arg)) {
                works.add(arg);
            } else {
                throw new IllegalArgumentException(
                        "argument: " + arg + ", expected some of sgemm, conv, decoder, csv=FILE");
            }
        }
        Peers peers = new Peers();
        peers.run(works.isEmpty() ? List.of("sgemm", "conv", "decoder") : works);
        if (file != null) {
            AtomicFiles.write(file, peers.csv.toString().getBytes(StandardCharsets.UTF_8));
        }
        System.exit(0); // threads of other people's would keep the process alive
    }

    private void run(List<String> works) {
        System.out.println("ours: " + backend.description());
        meter.warmUp();
        Match.head(csv);
        if (works.contains("sgemm")) {
            Match match = new Match(meter, 0.25, csv);
            for (int[] s : new int[][] {{512, 3352, 768}, {512, 768, 1536}, {512, 16384, 768}, {256, 6448, 1536},
                {8192, 840, 192}, {2048, 3352, 768}}) {
                sgemm(match, s[0], s[1], s[2]);
            }
        }
        if (works.contains("conv")) {
            Match match = new Match(meter, 0.4, csv);
            for (int[] s : new int[][] {{512, 16}, {512, 32}, {256, 64}, {256, 128}, {128, 128}, {128, 256}}) {
                conv(match, s[0], s[1]);
            }
        }
        if (works.contains("decoder")) {
            decoder(new Match(meter, 1, csv));
        }
    }

    private static float[] random(int size, double bound) {
        SplittableRandom random = new SplittableRandom(size);
        float[] values = new float[size];
        for (int i = 0; i < size; i++) {
            values[i] = (float) random.nextDouble(-bound, bound);
        }
        return values;
    }

    private Storage storage(float[] values) {
        Storage s = backend.allocate(DType.F32, values.length);
        backend.write(s, 0, values, 0, values.length);
        return s;
    }

    private float[] floats(Storage s) {
        float[] values = new float[s.size()];
        backend.read(s, 0, values, 0, values.length);
        return values;
    }

    /** {@code y = x W^T}: x (rows, in), W (out, in). */
    private void sgemm(Match match, int rows, int out, int in) {
        float[] x = random(rows * in, 1);
        float[] w = random(out * in, 1);
        Storage ourX = storage(x);
        Storage ourW = storage(w);
        Storage ourY = backend.allocate(DType.F32, rows * out);
        Contender ours = Contender.of(
                "ours", () -> backend.gemm().linear(ourY, ourX, ourW, rows, out, in),
                () -> floats(ourY));
        FloatPointer theirX = new FloatPointer(x);
        FloatPointer theirW = new FloatPointer(w);
        FloatPointer theirY = new FloatPointer((long) rows * out);
        openblas.blas_set_num_threads(threads);
        Contender blas = Contender.of(
                "OpenBLAS",
                () -> openblas.cblas_sgemm(
                        openblas.CblasRowMajor, openblas.CblasNoTrans, openblas.CblasTrans, rows, out, in, 1f, theirX,
                        in, theirW, in, 0f, theirY, out),
                () -> {
                    float[] y = new float[rows * out];
                    theirY.get(y);
                    return y;
                });
        match.play("sgemm " + rows + "x" + out + "x" + in, 2.0 * rows * out * in, 1e-5, List.of(ours, blas));
        theirX.close();
        theirW.close();
        theirY.close();
    }

    /** 3x3, stride 1, as many channels out as in, one picture. */
    private void conv(Match match, int channels, int side) {
        float[] x = random(channels * side * side, 1);
        float[] w = random(channels * channels * 9, 0.05);
        float[] bias = random(channels, 1);
        Conv2dShape shape = new Conv2dShape(1, channels, side, side, channels, 3, 3, 1, 1, 1, 1, 1);
        Storage ourX = storage(x);
        Storage ourW = storage(w);
        Storage ourBias = storage(bias);
        Storage ourY = backend.allocate(DType.F32, x.length);
        Contender ours = Contender.of(
                "ours", () -> backend.conv().conv2d(ourY, ourX, ourW, ourBias, shape), () -> floats(ourY));
        OnnxBytes onnx = new OnnxBytes();
        onnx.input(INPUT, 1, channels, side, side);
        String y = onnx.node(
                "Conv", new String[] {INPUT, onnx.floats(w, channels, channels, 3, 3), onnx.floats(bias, channels)},
                new Attribute("kernel_shape", new long[] {3, 3}), new Attribute("pads", new long[] {1, 1, 1, 1}));
        Contender ort = new OnnxContender(
                onnx.model(y, 1, channels, side, side), INPUT, x, threads, 1, channels, side, side);
        NDManager manager = NDManager.newBaseManager("PyTorch");
        NDArray theirW = manager.create(w, new Shape(channels, channels, 3, 3));
        NDArray theirBias = manager.create(bias, new Shape(channels));
        Contender torch = new TorchContender(
                manager, x,
                v -> Conv2d.conv2d(v, theirW, theirBias, new Shape(1, 1), new Shape(1, 1), new Shape(1, 1), 1)
                        .singletonOrThrow(),
                1, channels, side, side);
        match.play(
                "conv 3x3 " + channels + " at " + side, 18.0 * channels * channels * side * side, 1e-3,
                List.of(ours, ort, torch));
    }

    /** VQ-f16, latents of 16 by 16 codes to 256 by 256 pixels, with the same weights. */
    private void decoder(Match match) {
        VqConfig config = VqConfig.f16();
        Params params = Params.random(backend, 0);
        VqModel model = new VqModel(params, config);
        Map<String, Tensor> weights = params.all();
        float[] z = random(LATENT * SIDE * SIDE, 1);
        int pixels = SIDE * config.downsampling();
        float[][] result = new float[1][];
        Contender ours = Contender.of("ours", () -> {
            try (Scope _ = Scope.inference()) {
                Tensor latents = Tensor.of(backend, org.aimjvm.backend.Shape.of(1, LATENT, SIDE, SIDE), z);
                Tensor picture = model.decodeLatents(latents, Trace.OFF);
                if (result[0] == null) {
                    result[0] = picture.toFloats();
                }
            }
        }, () -> result[0]);
        OnnxBytes onnx = new OnnxBytes();
        onnx.input(INPUT, 1, LATENT, SIDE, SIDE);
        String y = new DecoderGraph<>(
                new OnnxLayers(onnx, weights, config.normEps(), INPUT, LATENT, SIDE), config).forward(INPUT);
        Contender ort = new OnnxContender(
                onnx.model(y, 1, config.outChannels(), pixels, pixels), INPUT, z, threads, 1, LATENT, SIDE, SIDE);
        NDManager manager = NDManager.newBaseManager("PyTorch");
        DecoderGraph<NDArray> graph =
                new DecoderGraph<>(new TorchLayers(manager, weights, config.normEps()), config);
        Contender torch = new TorchContender(manager, z, graph::forward, 1, LATENT, SIDE, SIDE);
        match.play("VQ-f16 decoder", VqCost.of(config, SIDE).decode(), 1e-3, List.of(ours, ort, torch));
    }
}
