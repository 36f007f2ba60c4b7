package org.aimjvm.cuda;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What tests read from the sources in {@code kernels/}. */
final class KernelSources {
    static final Path FOLDER = Path.of("..", "kernels");

    private static final Pattern INCLUDE = Pattern.compile("#include \"(\\w+\\.cuh)\"");
    private static final Pattern MACRO =
            Pattern.compile("#define (\\w+_PARAMETERS)(?:\\(\\w+\\))?((?:[^\\\\\\n]|\\\\\\n)*)");
    private static final Pattern KERNEL = Pattern.compile(
            "extern \"C\" __global__ void (?:__launch_bounds__\\([^)]*\\)\\s*)?(\\w+)\\(((?:[^()]|\\([^()]*\\))*)\\)\\s*\\{");

    private KernelSources() {}

    static List<Path> files() {
        try (Stream<Path> files = Files.list(FOLDER)) {
            return files.filter(p -> p.toString().endsWith(".cu")).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A source after what it includes, without comments. */
    static String text(Path file) {
        try {
            String own = Files.readString(file).replaceAll("//[^\\n]*", "");
            StringBuilder all = new StringBuilder();
            Matcher include = INCLUDE.matcher(own);
            while (include.find()) {
                all.append(text(FOLDER.resolve(include.group(1))));
            }
            return all.append(own).toString();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The kernels of a file with the names of their parameters in order. */
    static Map<String, List<String>> parameters(Path file) {
        String text = text(file);
        Map<String, String> macros = new HashMap<>();
        MACRO.matcher(text).results().forEach(m -> macros.put(m.group(1), m.group(2).replace("\\\n", " ")));
        Map<String, List<String>> kernels = new LinkedHashMap<>();
        KERNEL.matcher(text).results().forEach(m -> {
            String list = m.group(2).strip();
            list = macros.getOrDefault(list.replaceAll("\\(.*", ""), list);
            kernels.put(m.group(1),
                    Stream.of(list.split(",")).map(p -> p.strip().replaceAll("(?s)^.*\\W", "")).toList());
        });
        return kernels;
    }

    /** The body of a struct. */
    static String struct(String text, String name) {
        Matcher m = Pattern.compile("(?s)\\nstruct " + name + " \\{(.*?)\\n\\};").matcher(text);
        if (!m.find()) {
            throw new IllegalArgumentException("struct: " + name + " (expected one in the sources of the kernels)");
        }
        return m.group(1);
    }

    /**
     * A {@code constexpr int} of a text, the last of that name, which is a file's own.
     *
     * @param names further values, such as of a template's parameters
     */
    static int constant(String text, String name, Map<String, Integer> names) {
        Integer given = names.get(name);
        if (given != null) {
            return given;
        }
        String[] last = {null};
        Pattern.compile("constexpr int " + name + " = ([^;]*);").matcher(text).results()
                .forEach(m -> last[0] = m.group(1));
        if (last[0] == null) {
            throw new IllegalArgumentException(
                    "constexpr int: " + name + " (expected one in the sources of the kernels)");
        }
        return KernelExpression.value(last[0], n -> constant(text, n, names));
    }
}
