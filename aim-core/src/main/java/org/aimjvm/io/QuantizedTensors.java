package org.aimjvm.io;

import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.backend.WeightMatrix;

/**
 * Weight matrices kept as integers in a checkpoint, two tensors each:
 *
 * <pre>
 * int8   NAME  I8 (out, in),      NAME_scale  F32  (out)
 * int4   NAME  U8 (out, in / 2),  NAME_scale  BF16 (out, in / 32)
 * </pre>
 *
 * with the values of {@link WeightMatrix.Int8} and {@link WeightMatrix.Int4}. As a {@link TensorSource} each pair is
 * one F32 tensor (out, in) of the numbers it stands for; {@link #matrix} gives the integers.
 */
public final class QuantizedTensors implements TensorSource {
    /** Key of the file's metadata that names the format, for people; the tensors tell readers. */
    public static final String METADATA = "aim.weights";

    private static final String SCALE = "_scale";

    private final TensorSource source;
    private final Set<String> names = new LinkedHashSet<>();

    private QuantizedTensors(TensorSource source) {
        this.source = source;
        for (String name : source.names()) {
            if (!(name.endsWith(SCALE) && isQuantized(name.substring(0, name.length() - SCALE.length())))) {
                names.add(name);
            }
        }
        names.stream().filter(this::isQuantized).forEach(this::check);
    }

    /**
     * {@code source} with pairs of integers and scales as tensors; {@code source} itself if it has none.
     *
     * @throws CheckpointException if the parts of a pair do not fit each other
     */
    public static TensorSource of(TensorSource source) {
        boolean any = source.names().stream().anyMatch(n -> n.endsWith(SCALE));
        return any ? new QuantizedTensors(source) : source;
    }

    /**
     * Adds a matrix to a file.
     *
     * @param shape (out, in)
     * @param format how it is written; BF16 where that one does not fit
     * @param matrix asked once for each tensor, when the file is written, so that no more than one matrix is in memory
     */
    public static void add(
            SafeTensorsWriter file, String name, Shape shape, WeightFormat format, Supplier<WeightMatrix> matrix) {
        int out = shape.dim(0);
        int in = shape.dim(1);
        switch (format.fits(in) ? format : WeightFormat.BF16) {
            case INT8 -> {
                Supplier<WeightMatrix.Int8> w = () -> (WeightMatrix.Int8) matrix.get().to(WeightFormat.INT8);
                file.ints(name, DType.I8, shape, () -> widened(w.get().values()));
                file.floats(name + SCALE, DType.F32, Shape.of(out), () -> w.get().scales());
            }
            case INT4 -> {
                Supplier<WeightMatrix.Int4> w = () -> (WeightMatrix.Int4) matrix.get().to(WeightFormat.INT4);
                file.ints(name, DType.U8, Shape.of(out, in / 2), () -> unsigned(w.get().values()));
                file.floats(
                        name + SCALE, DType.BF16, Shape.of(out, in / WeightFormat.BLOCK), () -> w.get().scales());
            }
            case BF16 -> file.floats(name, DType.BF16, shape, () -> matrix.get().floats());
            case F32 -> file.floats(name, DType.F32, shape, () -> matrix.get().floats());
        }
    }

    /**
     * Adds a tensor to a file as it is stored in another: of the same type, or as the same integers with scales.
     *
     * @param source read when the file is written
     */
    public static void addStored(SafeTensorsWriter file, TensorSource source, String name) {
        TensorInfo t = source.info(name);
        String stored = source.storedAs(name);
        if (stored.equals(WeightFormat.INT8.name()) || stored.equals(WeightFormat.INT4.name())) {
            add(file, name, t.shape(), WeightFormat.valueOf(stored), () -> source.matrix(name));
            return;
        }
        Runnable add = switch (t.dtype()) { // an expression: the compiler asks for every type
            case F64, F32, F16, BF16 -> () -> file.floats(name, t.dtype(), t.shape(), () -> source.readFloats(name));
            case I64 -> () -> file.longs(name, t.shape(), () -> source.readLongs(name));
            case I32, I16, U16, I8, U8, BOOL ->
                    () -> file.ints(name, t.dtype(), t.shape(), () -> source.readInts(name));
        };
        add.run();
    }

    /** Names and shapes that the tensors of a file stand for: those kept as integers once, without their scales. */
    public static Map<String, Shape> shapes(SafeTensorsWriter file) {
        Map<String, TensorInfo> there = new LinkedHashMap<>();
        file.tensors().forEach(t -> there.put(t.name(), t));
        Map<String, Shape> shapes = new LinkedHashMap<>();
        there.forEach((name, t) -> {
            boolean isScale = name.endsWith(SCALE)
                    && isInteger(there.get(name.substring(0, name.length() - SCALE.length())));
            if (!isScale) {
                boolean pair = isInteger(t) && there.containsKey(name + SCALE);
                shapes.put(name, pair ? Shape.of(t.shape().dim(0), columns(t)) : t.shape());
            }
        });
        return shapes;
    }

    private static boolean isInteger(TensorInfo t) {
        return t != null && (t.dtype() == DType.I8 || t.dtype() == DType.U8);
    }

    private static int[] widened(byte[] values) {
        int[] ints = new int[values.length];
        for (int i = 0; i < ints.length; i++) {
            ints[i] = values[i];
        }
        return ints;
    }

    private static int[] unsigned(byte[] values) {
        int[] ints = new int[values.length];
        for (int i = 0; i < ints.length; i++) {
            ints[i] = values[i] & 0xff;
        }
        return ints;
    }

    /** Whether a tensor is kept as integers. */
    public boolean isQuantized(String name) {
        if (!source.contains(name) || !source.contains(name + SCALE)) {
            return false;
        }
        return isInteger(source.info(name));
    }

    private void check(String name) {
        TensorInfo q = source.info(name);
        Shape scales = source.info(name + SCALE).shape();
        if (q.shape().rank() != 2) {
            throw new CheckpointException(path(), name, "integers of shape " + q.shape() + ", expected (out, in)");
        }
        int out = q.shape().dim(0);
        if (q.dtype() == DType.U8 && 2L * q.shape().size() > Integer.MAX_VALUE - 8) {
            throw new CheckpointException(path(), name, "4-bit integers of " + 2L * q.shape().size()
                    + " elements, expected at most " + (Integer.MAX_VALUE - 8));
        }
        int in = columns(q);
        Shape expected = q.dtype() == DType.I8 ? Shape.of(out) : Shape.of(out, in / WeightFormat.BLOCK);
        if (!scales.equals(expected) || q.dtype() == DType.U8 && in % WeightFormat.BLOCK != 0) {
            throw new CheckpointException(path(), name + SCALE, "scales of shape " + scales + ", expected " + expected
                    + " for integers " + TensorBytes.describe(q));
        }
    }

    private static int columns(TensorInfo q) {
        return q.dtype() == DType.I8 ? q.shape().dim(1) : Math.multiplyExact(2, q.shape().dim(1));
    }

    @Override
    public Path path() {
        return source.path();
    }

    @Override
    public Set<String> names() {
        return Collections.unmodifiableSet(names);
    }

    @Override
    public TensorInfo info(String name) {
        TensorInfo t = source.info(name);
        return isQuantized(name)
                ? new TensorInfo(name, DType.F32, Shape.of(t.shape().dim(0), columns(t)))
                : t;
    }

    @Override
    public String storedAs(String name) {
        if (!isQuantized(name)) {
            return source.storedAs(name);
        }
        return (source.info(name).dtype() == DType.I8 ? WeightFormat.INT8 : WeightFormat.INT4).name();
    }

    @Override
    public WeightMatrix matrix(String name) {
        if (!isQuantized(name)) {
            return source.matrix(name);
        }
        TensorInfo t = source.info(name);
        float[] scales = source.readFloats(name + SCALE);
        byte[] values = source.readBytes(name);
        int out = t.shape().dim(0);
        return t.dtype() == DType.I8
                ? new WeightMatrix.Int8(out, columns(t), values, scales)
                : new WeightMatrix.Int4(out, columns(t), values, scales);
    }

    @Override
    public float[] readFloats(String name) {
        return isQuantized(name) ? matrix(name).floats() : source.readFloats(name);
    }

    @Override
    public int[] readInts(String name) {
        requireInteger(name);
        return source.readInts(name);
    }

    @Override
    public long[] readLongs(String name) {
        requireInteger(name);
        return source.readLongs(name);
    }

    private void requireInteger(String name) {
        if (isQuantized(name)) {
            throw new CheckpointException(path(), name, "weights as integers with scales, expected an integer type");
        }
    }

    @Override
    public Map<String, String> metadata() {
        return source.metadata();
    }

    @Override
    public void close() {
        source.close();
    }
}
