package org.aimjvm.io;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/** Opens checkpoint files of any known format. */
public final class Checkpoints {
    private Checkpoints() {}

    /**
     * Opens a safetensors file (weights as integers as in {@link QuantizedTensors}) or a PyTorch pickle (zip or legacy
     * container), told apart by content whatever the file's ending; or the index of a checkpoint in several such files,
     * by its ending {@code .index.json}.
     *
     * @throws CheckpointException if it is none of these, or damaged
     */
    public static TensorSource open(Path path) {
        return path.toString().endsWith(ShardedTensors.SUFFIX)
                ? QuantizedTensors.of(ShardedTensors.open(path, Checkpoints::file))
                : whole(path);
    }

    /**
     * The files that hold the tensors of what {@link #open} opens: {@code path} itself, or those that an index names,
     * in the order of their names.
     *
     * @throws CheckpointException if the index is damaged
     */
    public static List<Path> files(Path path) {
        return path.toString().endsWith(ShardedTensors.SUFFIX) ? ShardedTensors.files(path) : List.of(path);
    }

    private static TensorSource whole(Path path) {
        TensorSource file = file(path);
        return file instanceof SafeTensors ? QuantizedTensors.of(file) : file;
    }

    private static TensorSource file(Path path) {
        Format format = MappedFile.open(path, file -> {
            Format f = Format.of(path, file.bytes());
            file.close();
            return f;
        });
        return switch (format) {
            case SAFETENSORS -> SafeTensors.open(path);
            case PICKLE -> TorchPickle.open(path);
        };
    }

    private enum Format {
        SAFETENSORS, PICKLE;

        static Format of(Path path, MemorySegment bytes) {
            byte[] start = bytes.asSlice(0, Math.min(64, bytes.byteSize())).toArray(ValueLayout.JAVA_BYTE);
            String text = new String(start, StandardCharsets.ISO_8859_1);
            if (text.startsWith("PK\3\4") || TorchPickle.isLegacy(bytes)) {
                return PICKLE;
            }
            if (text.length() >= 9 && text.charAt(8) == '{') {
                return SAFETENSORS;
            }
            throw new CheckpointException(path, null, unknown(text));
        }

        private static String unknown(String text) {
            String expected = ", expected a safetensors file or a PyTorch checkpoint";
            if (text.isEmpty()) {
                return "empty file" + expected;
            }
            if (text.startsWith("version https://git-lfs")) {
                return "a Git LFS pointer" + expected + " (fetch the file it stands for: git lfs pull)";
            }
            if (text.stripLeading().startsWith("<")) {
                return "a web page" + expected + " (the download went wrong)";
            }
            return "unknown format" + expected;
        }
    }
}
