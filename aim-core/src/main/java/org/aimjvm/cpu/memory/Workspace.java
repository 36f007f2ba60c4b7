package org.aimjvm.cpu.memory;

/**
 * Working memory of one thread: float arrays by name, which grow to the largest size asked for and are kept, so that
 * calls leave no garbage. Contents are what the last user left.
 *
 * <p>The names are the constants of one enum per workspace, which says what each array holds.
 */
public final class Workspace {
    private float[][] arrays = new float[20][];

    /**
     * An array of at least {@code size} elements, the same one for the same {@code name} until a larger one is
     * needed.
     */
    public float[] floats(Enum<?> name, int size) {
        return floats(name.ordinal(), size);
    }

    /** As {@link #floats(Enum, int)}, by the ordinal of the name. */
    public float[] floats(int slot, int size) {
        float[] array = arrays[slot];
        if (array == null || array.length < size) {
            array = new float[size];
            arrays[slot] = array;
        }
        return array;
    }
}
