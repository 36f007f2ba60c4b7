package org.aimjvm.data;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Which pictures of which classes there are, in order, class by class. Names are kept as bytes in one array per class:
 * about 30 bytes per picture, so that millions fit.
 */
final class PictureIndex {
    private final List<String> classNames;
    private final int[] starts;
    private final byte[][] names;
    private final int[][] ends;

    private PictureIndex(Builder b) {
        classNames = List.copyOf(b.classNames);
        names = b.names.toArray(byte[][]::new);
        ends = b.ends.toArray(int[][]::new);
        starts = new int[ends.length + 1];
        for (int label = 0; label < ends.length; label++) {
            starts[label + 1] = Math.addExact(starts[label], ends[label].length);
        }
    }

    /** Takes classes one after another, in the order of their labels. */
    static final class Builder {
        private final List<String> classNames = new ArrayList<>();
        private final List<byte[]> names = new ArrayList<>();
        private final List<int[]> ends = new ArrayList<>();

        /** Adds a class with at least one file, names relative to the class's folder. */
        void add(String className, List<String> files) {
            int[] end = new int[files.size()];
            byte[] pool = new byte[0];
            int used = 0;
            for (int i = 0; i < end.length; i++) {
                byte[] name = files.get(i).getBytes(StandardCharsets.UTF_8);
                if (used + name.length > pool.length) {
                    pool = Arrays.copyOf(pool, Math.addExact(used + name.length, used / 2 + 64));
                }
                System.arraycopy(name, 0, pool, used, name.length);
                used += name.length;
                end[i] = used;
            }
            classNames.add(className);
            names.add(Arrays.copyOf(pool, used));
            ends.add(end);
        }

        PictureIndex build() {
            return new PictureIndex(this);
        }
    }

    int size() {
        return starts[starts.length - 1];
    }

    List<String> classNames() {
        return classNames;
    }

    /** Number of pictures of a class. */
    int count(int label) {
        return ends[label].length;
    }

    /** The first picture of a class. */
    int start(int label) {
        return starts[label];
    }

    int label(int index) {
        if (index < 0 || index >= size()) {
            throw new IndexOutOfBoundsException("picture: " + index + " (expected 0 to " + (size() - 1) + ")");
        }
        int at = Arrays.binarySearch(starts, index);
        return at >= 0 ? at : -at - 2;
    }

    /** Path of a picture relative to the data folder, with slashes. */
    String path(int index) {
        int label = label(index);
        int i = index - starts[label];
        int from = i == 0 ? 0 : ends[label][i - 1];
        return classNames.get(label) + "/"
                + new String(names[label], from, ends[label][i] - from, StandardCharsets.UTF_8);
    }
}
