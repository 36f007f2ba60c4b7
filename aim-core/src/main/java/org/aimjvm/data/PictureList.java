package org.aimjvm.data;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.aimjvm.io.AtomicFiles;
import org.aimjvm.io.CheckpointException;

/**
 * The list of a data set's pictures as a text file, kept beside a run so that the run sees the same pictures when it is
 * resumed. Fields are separated by tabs, with {@code \t}, {@code \n}, {@code \r} and {@code \\} for what would be
 * mistaken:
 *
 * <pre>
 * aim-pictures-1
 * class  LABEL  NAME
 * LABEL  PATH            a picture, relative to the data folder
 * -      PATH    REASON  a file that was left out
 * </pre>
 *
 * @param index the pictures
 * @param leftOut the files that were left out
 */
record PictureList(PictureIndex index, List<LeftOut> leftOut) {
    private static final String FORMAT = "aim-pictures-1";
    private static final String CLASS = "class";
    private static final String LEFT_OUT = "-";

    /** @throws IOException if the file cannot be written */
    void write(Path file) throws IOException {
        AtomicFiles.write(file, channel -> {
            BufferedWriter out = new BufferedWriter(Channels.newWriter(channel, StandardCharsets.UTF_8));
            out.write(FORMAT + "\n");
            for (int label = 0; label < index.classNames().size(); label++) {
                out.write(CLASS + "\t" + label + "\t" + escaped(index.classNames().get(label)) + "\n");
                int start = index.start(label);
                for (int i = start; i < start + index.count(label); i++) {
                    out.write(label + "\t" + escaped(index.path(i)) + "\n");
                }
            }
            for (LeftOut one : leftOut) {
                out.write(LEFT_OUT + "\t" + escaped(one.path()) + "\t" + escaped(one.reason()) + "\n");
            }
            out.flush();
        });
    }

    /** @throws CheckpointException if the file is missing or not such a list */
    static PictureList read(Path file) {
        try (BufferedReader in = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
            if (!FORMAT.equals(in.readLine())) {
                throw new CheckpointException(file, null, "not a list of pictures, expected the first line " + FORMAT);
            }
            return new Reading(file).read(in);
        } catch (IOException e) {
            throw new CheckpointException(file, null, "cannot be read: " + ClassFolders.reason(e), e);
        }
    }

    /** The state of reading. */
    private static final class Reading {
        private final Path file;
        private final PictureIndex.Builder index = new PictureIndex.Builder();
        private final List<LeftOut> leftOut = new ArrayList<>();
        private final List<String> names = new ArrayList<>();
        private String className;
        private int label = -1;

        Reading(Path file) {
            this.file = file;
        }

        PictureList read(BufferedReader in) throws IOException {
            int number = 1;
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                number++;
                if (!add(line.split("\t", -1))) {
                    throw new CheckpointException(file, null, "damaged list of pictures, line " + number + ": "
                            + CheckpointException.shorten(line)
                            + ", expected a class, a picture of it or a file left out");
                }
            }
            endClass();
            if (label < 0) {
                throw new CheckpointException(file, null, "no pictures, expected at least one");
            }
            return new PictureList(index.build(), leftOut);
        }

        private boolean add(String[] fields) {
            if (fields.length == 3 && fields[0].equals(CLASS) && fields[1].equals(Integer.toString(label + 1))) {
                endClass();
                label++;
                className = unescaped(fields[2]);
                return className.indexOf('/') < 0 && staysInside(className);
            }
            if (fields.length == 3 && fields[0].equals(LEFT_OUT)) {
                leftOut.add(new LeftOut(unescaped(fields[1]), unescaped(fields[2])));
                return true;
            }
            if (fields.length != 2 || label < 0 || !fields[0].equals(Integer.toString(label))) {
                return false;
            }
            String path = unescaped(fields[1]);
            names.add(path.substring(Math.min(path.length(), className.length() + 1)));
            return path.startsWith(className + "/") && staysInside(path);
        }

        /** Whether a path names something below the data folder, whatever wrote it. */
        private static boolean staysInside(String path) {
            return Stream.of(path.split("/", -1))
                    .noneMatch(part -> part.isEmpty() || part.equals(".") || part.equals(".."));
        }

        private void endClass() {
            if (label >= 0) {
                index.add(className, names);
                names.clear();
            }
        }
    }

    private static String escaped(String text) {
        return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r");
    }

    private static String unescaped(String text) {
        if (text.indexOf('\\') < 0) {
            return text;
        }
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\\' && i + 1 < text.length()) {
                char next = text.charAt(++i);
                c = next == 't' ? '\t' : next == 'n' ? '\n' : next == 'r' ? '\r' : next;
            }
            out.append(c);
        }
        return out.toString();
    }
}
