package org.aimjvm.bench.peers;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Writes a model in the ONNX format: just enough of protocol buffers for the few messages it takes. */
final class OnnxBytes {
    private static final int OPSET = 17;
    private static final int IR_VERSION = 8;
    private static final int FLOAT = 1;
    private static final int INT64 = 7;

    /** A message under construction. */
    private static final class Message {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        Message number(int field, long value) {
            varint((long) field << 3);
            varint(value);
            return this;
        }

        Message single(int field, float value) {
            varint((long) field << 3 | 5);
            bytes.writeBytes(
                    ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putFloat(value).array());
            return this;
        }

        Message bytes(int field, byte[] value) {
            varint((long) field << 3 | 2);
            varint(value.length);
            bytes.writeBytes(value);
            return this;
        }

        Message text(int field, String value) {
            return bytes(field, value.getBytes(StandardCharsets.UTF_8));
        }

        Message message(int field, Message value) {
            return bytes(field, value.bytes.toByteArray());
        }

        private void varint(long value) {
            long v = value;
            while ((v & ~0x7fL) != 0) {
                bytes.write((int) (v & 0x7f | 0x80));
                v >>>= 7;
            }
            bytes.write((int) v);
        }
    }

    private final Message graph = new Message();
    private int names;

    /** A new name. */
    String fresh() {
        return "t" + names++;
    }

    /** Adds constant floats. Returns their name. */
    String floats(float[] values, long... dims) {
        ByteBuffer raw = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        raw.asFloatBuffer().put(values);
        return constant(FLOAT, raw.array(), dims);
    }

    /** Adds constant integers. Returns their name. */
    String longs(long... values) {
        ByteBuffer raw = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        raw.asLongBuffer().put(values);
        return constant(INT64, raw.array(), values.length);
    }

    private String constant(int type, byte[] raw, long... dims) {
        String name = fresh();
        Message tensor = new Message();
        for (long d : dims) {
            tensor.number(1, d);
        }
        graph.message(5, tensor.number(2, type).text(8, name).bytes(9, raw));
        return name;
    }

    /** An attribute of a node. */
    record Attribute(String name, Object value) {}

    /**
     * Adds an operation. Returns the name of its result.
     *
     * @param inputs names, empty for one that is left out
     */
    String node(String type, String[] inputs, Attribute... attributes) {
        String out = fresh();
        Message node = new Message();
        for (String in : inputs) {
            node.text(1, in);
        }
        node.text(2, out).text(3, out + "_" + type).text(4, type);
        for (Attribute a : attributes) {
            Message m = new Message().text(1, a.name());
            switch (a.value()) {
                case Float f -> m.single(2, f).number(20, 1);
                case Integer i -> m.number(3, i).number(20, 2);
                case String s -> m.text(4, s).number(20, 3);
                case long[] list -> {
                    for (long v : list) {
                        m.number(8, v);
                    }
                    m.number(20, 7);
                }
                default -> throw new IllegalArgumentException(a.name() + ": " + a.value().getClass());
            }
            node.message(5, m);
        }
        graph.message(1, node);
        return out;
    }

    private static Message value(String name, long... dims) {
        Message shape = new Message();
        for (long d : dims) {
            shape.message(1, new Message().number(1, d));
        }
        return new Message()
                .text(1, name)
                .message(2, new Message().message(1, new Message().number(1, FLOAT).message(2, shape)));
    }

    /** Says what goes in. */
    void input(String name, long... dims) {
        graph.message(11, value(name, dims));
    }

    /** The whole file, with what comes out. */
    byte[] model(String output, long... dims) {
        graph.text(2, "peer").message(12, value(output, dims));
        return new Message()
                .number(1, IR_VERSION)
                .message(8, new Message().text(1, "").number(2, OPSET))
                .message(7, graph).bytes.toByteArray();
    }
}
