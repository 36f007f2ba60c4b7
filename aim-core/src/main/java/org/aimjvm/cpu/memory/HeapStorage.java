package org.aimjvm.cpu.memory;

import org.aimjvm.backend.DType;
import org.aimjvm.backend.Quantization;
import org.aimjvm.backend.Storage;

/** Elements in a Java array: {@code float[]} for F32, {@code int[]} for I32, {@code short[]} for BF16. */
public final class HeapStorage extends Storage {
    private final float[] floats;
    private final int[] ints;
    private final short[] halves;
    private final boolean frozen;

    public HeapStorage(float[] floats) {
        this(floats, false);
    }

    private HeapStorage(float[] floats, boolean frozen) {
        super(DType.F32, floats.length);
        this.floats = floats;
        this.ints = null;
        this.halves = null;
        this.frozen = frozen;
    }

    /** Frozen weights, see {@link #isFrozen}. */
    public static HeapStorage frozen(float[] floats) {
        return new HeapStorage(floats, true);
    }

    public HeapStorage(int[] ints) {
        super(DType.I32, ints.length);
        this.floats = null;
        this.ints = ints;
        this.halves = null;
        this.frozen = false;
    }

    /** @param halves the upper halves of floats */
    public HeapStorage(short[] halves) {
        super(DType.BF16, halves.length);
        this.floats = null;
        this.ints = null;
        this.halves = halves;
        this.frozen = false;
    }

    @Override
    public boolean isFrozen() {
        return frozen;
    }

    /** The array of an F32 storage. */
    public static float[] floats(Storage s) {
        if (!(s instanceof HeapStorage h)) {
            throw new IllegalArgumentException(
                    "storage: weights in a layout of their own, expected plain F32 (only linear and embedding take them)");
        }
        h.checkLive();
        if (h.floats == null) {
            throw new IllegalArgumentException("storage: " + s.dtype() + ", expected F32"
                    + (h.halves == null ? "" : " (only the forward SSD scan takes BF16 states)"));
        }
        return h.floats;
    }

    /** As {@link #floats}, {@code null} for {@code null}: optional arguments of kernels. */
    public static float[] floatsOrNull(Storage s) {
        return s == null ? null : floats(s);
    }

    /** The array of an I32 storage. */
    public static int[] ints(Storage s) {
        HeapStorage h = (HeapStorage) s;
        h.checkLive();
        if (h.ints == null) {
            throw new IllegalArgumentException("storage: " + s.dtype() + ", expected I32");
        }
        return h.ints;
    }

    /** The array of a BF16 storage. */
    public static short[] halves(Storage s) {
        HeapStorage h = (HeapStorage) s;
        h.checkLive();
        if (h.halves == null) {
            throw new IllegalArgumentException("storage: " + s.dtype() + ", expected BF16");
        }
        return h.halves;
    }

    /** As {@link #halves}, {@code null} for {@code null}. */
    public static short[] halvesOrNull(Storage s) {
        return s == null ? null : halves(s);
    }

    /** Whether the states of a scan, one of which may be {@code null}, are BF16. */
    public static boolean areHalves(Storage initial, Storage last) {
        return initial != null && initial.dtype() == DType.BF16 || last != null && last.dtype() == DType.BF16;
    }

    /** {@code floats[to + i] = halves[from + i]}. */
    public static void widen(float[] floats, int to, short[] halves, int from, int count) {
        for (int i = 0; i < count; i++) {
            floats[to + i] = Float.intBitsToFloat(halves[from + i] << 16);
        }
    }

    /** {@code halves[to + i] = floats[from + i]}, rounded to nearest even. */
    public static void round(short[] halves, int to, float[] floats, int from, int count) {
        for (int i = 0; i < count; i++) {
            halves[to + i] = (short) Quantization.bf16Bits(floats[from + i]);
        }
    }

    public HeapStorage sameMemory() {
        return switch (dtype()) {
            case F32 -> new HeapStorage(floats);
            case BF16 -> new HeapStorage(halves);
            default -> new HeapStorage(ints);
        };
    }
}
