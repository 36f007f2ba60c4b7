package org.aimjvm.cpu.memory;

/**
 * Working memory of one thread: float arrays by number, which grow to the largest size asked for and are kept, so that
 * calls leave no garbage. Contents are what the last user left.
 */
public final class Workspace {
    private float[][] slots = new float[20][];

    /**
     * An array of at least {@code size} elements, the same one for the same {@code slot} until a larger one is
     * needed.
     */
    public float[] floats(int slot, int size) {
        float[] array = slots[slot];
        if (array == null || array.length < size) {
            array = new float[size];
            slots[slot] = array;
        }
        return array;
    }
}
