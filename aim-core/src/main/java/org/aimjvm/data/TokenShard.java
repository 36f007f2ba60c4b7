package org.aimjvm.data;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.SafeTensors;

/** One file of codes, mapped: {@code codes} (rows, length) in I16 or I32, {@code labels} (rows) in I32. */
final class TokenShard implements AutoCloseable {
    static final String CODES = "codes";
    static final String LABELS = "labels";
    static final String SHARD = "shard";
    static final String SHA256 = "sha256";

    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(
            ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final SafeTensors file;
    private final TokenDatasetInfo info;
    private final MemorySegment codes;
    private final int[] labels;

    private TokenShard(SafeTensors file) {
        this.file = file;
        Path path = file.path();
        this.info = TokenDatasetInfo.parse(path, file.metadata());
        Shape labelShape = file.info(LABELS).shape();
        if (labelShape.rank() != 1) {
            throw new CheckpointException(path, LABELS, "shape " + labelShape + ", expected one dimension");
        }
        this.labels = file.readInts(LABELS);
        expect(CODES, info.dtype(), Shape.of(labels.length, info.length()));
        expect(LABELS, DType.I32, labelShape);
        if (file.names().size() != 2) {
            throw new CheckpointException(path, null, "tensors " + file.names() + ", expected codes and labels");
        }
        for (int label : labels) {
            if (label < 0 || label >= info.classNames().size()) {
                throw new CheckpointException(
                        path, LABELS, "label " + label + ", expected 0 to " + (info.classNames().size() - 1));
            }
        }
        this.codes = file.mapped(CODES);
    }

    private void expect(String name, DType dtype, Shape shape) {
        if (file.info(name).dtype() != dtype || !file.info(name).shape().equals(shape)) {
            throw new CheckpointException(
                    file.path(),
                    name,
                    file.info(name).dtype() + " " + file.info(name).shape() + ", expected " + dtype + " " + shape);
        }
    }

    /** @throws CheckpointException if it is not a valid file of codes */
    static TokenShard open(Path path) {
        SafeTensors file = SafeTensors.open(path);
        boolean opened = false;
        try {
            TokenShard shard = new TokenShard(file);
            opened = true;
            return shard;
        } finally {
            if (!opened) {
                file.close();
            }
        }
    }

    Path path() {
        return file.path();
    }

    TokenDatasetInfo info() {
        return info;
    }

    String metadata(String key) {
        return TokenDatasetInfo.text(file.path(), file.metadata(), key);
    }

    boolean isPart() {
        return TokenPart.isThere(file.metadata());
    }

    TokenPart part() {
        return TokenPart.parse(file.path(), file.metadata());
    }

    int rows() {
        return labels.length;
    }

    int label(int row) {
        return labels[row];
    }

    void read(int row, int[] out, int offset) {
        int length = info.length();
        boolean narrow = info.dtype() == DType.I16;
        for (int i = 0; i < length; i++) {
            long at = (long) row * length + i;
            int code = narrow ? codes.get(SHORT, 2 * at) : codes.get(INT, 4 * at);
            if (code < 0 || code >= info.vocab()) {
                throw new CheckpointException(file.path(), CODES, "code " + code + " in row " + row
                        + ", expected 0 to " + (info.vocab() - 1) + " (the file is damaged)");
            }
            out[offset + i] = code;
        }
    }

    @Override
    public void close() {
        file.close();
    }
}
