package org.aimjvm.bench.peers;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Map;

/** ONNX Runtime on a model with one input and one output. */
final class OnnxContender implements Contender {
    private final OrtSession session;
    private final Map<String, OnnxTensor> input;
    private float[] result;

    /** @param model from {@link OnnxBytes} */
    OnnxContender(byte[] model, String inputName, float[] values, int threads, long... dims) {
        try {
            OrtEnvironment environment = OrtEnvironment.getEnvironment();
            OrtSession.SessionOptions options = new OrtSession.SessionOptions();
            options.setIntraOpNumThreads(threads);
            options.setInterOpNumThreads(1);
            options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
            session = environment.createSession(model, options);
            FloatBuffer buffer =
                    ByteBuffer.allocateDirect(4 * values.length).order(ByteOrder.nativeOrder()).asFloatBuffer();
            buffer.put(values).rewind();
            input = Map.of(inputName, OnnxTensor.createTensor(environment, buffer, dims));
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public String name() {
        return "ONNX Runtime";
    }

    @Override
    public void run() {
        try (OrtSession.Result r = session.run(input)) {
            if (result == null) {
                FloatBuffer values = ((OnnxTensor) r.get(0)).getFloatBuffer();
                result = new float[values.remaining()];
                values.get(result);
            }
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public float[] result() {
        return result;
    }

    @Override
    public void close() {
        try {
            input.values().forEach(OnnxTensor::close);
            session.close();
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
    }
}
