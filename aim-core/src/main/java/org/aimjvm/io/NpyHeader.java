package org.aimjvm.io;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import org.aimjvm.backend.DType;

/**
 * The header of a NumPy array file: magic, version, length, and a Python dict literal with the keys {@code descr},
 * {@code fortran_order} and {@code shape}. Written as version 1.0, read as 1.0 to 3.0.
 *
 * @param dims sizes; may be more elements than an array can hold, see {@link FileShapes}
 */
record NpyHeader(DType dtype, long[] dims) {
    private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
    private static final int MAX_RANK = 64;
    private static final int MAX_BYTES = 1 << 16;

    /** Magic to the end of the dict, padded with spaces to a multiple of 64. */
    byte[] toBytes() {
        StringBuilder shape = new StringBuilder();
        for (long d : dims) {
            shape.append(d).append(dims.length == 1 ? "," : ", ");
        }
        if (dims.length > 1) {
            shape.setLength(shape.length() - 2);
        }
        String dict = "{'descr': '" + descr(dtype) + "', 'fortran_order': False, 'shape': (" + shape + "), }";
        int total = (10 + dict.length() + 1 + 63) / 64 * 64;
        byte[] out = new byte[total];
        Arrays.fill(out, (byte) ' ');
        ByteBuffer.wrap(out)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put(MAGIC)
                .put((byte) 1)
                .put((byte) 0)
                .putShort((short) (total - 10))
                .put(dict.getBytes(StandardCharsets.US_ASCII));
        out[total - 1] = '\n';
        return out;
    }

    /**
     * Reads a header and leaves {@code in} at the first element.
     *
     * @param in position 0 at the magic
     */
    static NpyHeader parse(Path path, String array, ByteBuffer in) {
        byte[] magic = new byte[MAGIC.length + 2];
        if (in.remaining() < magic.length) {
            throw new CheckpointException(path, array, in.remaining() + " bytes, expected a NumPy array file");
        }
        in.get(magic);
        int major = magic[6];
        if (!Arrays.equals(magic, 0, 6, MAGIC, 0, 6) || major < 1 || major > 3) {
            throw new CheckpointException(path, array, "expected a NumPy array file of version 1 to 3");
        }
        in.order(ByteOrder.LITTLE_ENDIAN);
        int lengthBytes = major == 1 ? 2 : 4;
        if (in.remaining() < lengthBytes) {
            throw new CheckpointException(path, array, "ends within the NumPy header");
        }
        long length = major == 1 ? in.getShort() & 0xffff : in.getInt() & 0xffffffffL;
        if (length > Math.min(MAX_BYTES, in.remaining())) {
            throw new CheckpointException(
                    path,
                    array,
                    "NumPy header of " + length + " bytes, expected at most " + Math.min(MAX_BYTES, in.remaining()));
        }
        byte[] text = new byte[(int) length];
        in.get(text);
        return new Parser(path, array, new String(text, StandardCharsets.UTF_8)).dict();
    }

    private static String descr(DType dtype) {
        return switch (dtype) {
            case F64 -> "<f8";
            case F32 -> "<f4";
            case F16 -> "<f2";
            case I64 -> "<i8";
            case I32 -> "<i4";
            case I16 -> "<i2";
            case U16 -> "<u2";
            case I8 -> "|i1";
            case U8 -> "|u1";
            case BOOL -> "|b1";
            case BF16 -> throw new IllegalArgumentException("dtype: BF16 (expected a type that NumPy has)");
        };
    }

    /** Reads exactly the dict literals that describe an array, nothing else of Python's syntax. */
    private static final class Parser {
        private final Path path;
        private final String array;
        private final String text;
        private int at;

        Parser(Path path, String array, String text) {
            this.path = path;
            this.array = array;
            this.text = text;
        }

        NpyHeader dict() {
            DType dtype = null;
            Boolean fortran = null;
            long[] dims = null;
            expect('{');
            while (!accept('}')) {
                String key = string();
                expect(':');
                if (key.equals("descr") && dtype == null) {
                    dtype = dtype(string());
                } else if (key.equals("fortran_order") && fortran == null) {
                    fortran = bool();
                } else if (key.equals("shape") && dims == null) {
                    dims = tuple();
                } else {
                    throw problem("unknown or repeated key " + CheckpointException.shorten(key));
                }
                if (!accept(',')) {
                    expect('}');
                    break;
                }
            }
            skipSpace();
            if (at != text.length() || dtype == null || fortran == null || dims == null) {
                throw problem("expected exactly descr, fortran_order and shape");
            }
            if (fortran) {
                throw problem("Fortran order, expected C order (save numpy.ascontiguousarray(x))");
            }
            return new NpyHeader(dtype, dims);
        }

        private DType dtype(String descr) {
            for (DType t : DType.values()) {
                if (t != DType.BF16 && descr(t).equals(descr)) {
                    return t;
                }
            }
            throw problem("type " + CheckpointException.shorten(descr)
                    + ", expected a float, int, uint8, uint16 or bool type in little endian");
        }

        private String string() {
            skipSpace();
            char quote = at < text.length() ? text.charAt(at) : 0;
            int end = quote == '\'' || quote == '"' ? text.indexOf(quote, at + 1) : -1;
            if (end < 0) {
                throw problem("expected a string at " + at);
            }
            String s = text.substring(at + 1, end);
            at = end + 1;
            return s;
        }

        private boolean bool() {
            skipSpace();
            for (String word : new String[] {"True", "False"}) {
                if (text.startsWith(word, at)) {
                    at += word.length();
                    return word.equals("True");
                }
            }
            throw problem("expected True or False at " + at);
        }

        private long[] tuple() {
            long[] values = new long[MAX_RANK];
            int n = 0;
            expect('(');
            while (!accept(')')) {
                int start = at;
                while (at < text.length() && Character.digit(text.charAt(at), 10) >= 0) {
                    at++;
                }
                if (at == start || at - start > 18 || n == MAX_RANK) {
                    throw problem("expected a tuple of sizes at " + start);
                }
                values[n++] = Long.parseLong(text, start, at, 10);
                accept('L'); // Python 2 wrote long integers this way
                if (!accept(',')) {
                    expect(')');
                    break;
                }
            }
            return Arrays.copyOf(values, n);
        }

        private void expect(char c) {
            if (!accept(c)) {
                throw problem("expected " + c + " at " + at);
            }
        }

        private boolean accept(char c) {
            skipSpace();
            if (at < text.length() && text.charAt(at) == c) {
                at++;
                skipSpace();
                return true;
            }
            return false;
        }

        private void skipSpace() {
            while (at < text.length() && (text.charAt(at) == ' ' || text.charAt(at) == '\n')) {
                at++;
            }
        }

        private CheckpointException problem(String problem) {
            return new CheckpointException(path, array, "NumPy header: " + problem);
        }
    }
}
