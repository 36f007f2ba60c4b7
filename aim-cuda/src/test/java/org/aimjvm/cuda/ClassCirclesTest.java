package org.aimjvm.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** No class of this module needs one that needs it: each can be read, and tested, with what lies under it alone. */
class ClassCirclesTest {
    private static final Path SOURCES = Path.of("src", "main", "java", "org", "aimjvm", "cuda");
    private static final Pattern COMMENT_OR_TEXT =
            Pattern.compile("(?s)/\\*.*?\\*/|//[^\\n]*|\"(?:\\\\.|[^\"\\\\\\n])*\"|'(?:\\\\.|[^'\\\\])+'");
    private static final Pattern WORD = Pattern.compile("\\b[A-Z]\\w*");

    /** Classes of the module by the name of their file, each with the others that its code mentions. */
    private static Map<String, Set<String>> references() throws IOException {
        Map<String, String> codes = new TreeMap<>();
        try (Stream<Path> files = Files.list(SOURCES)) {
            for (Path file : files.filter(p -> !p.endsWith("package-info.java")).toList()) {
                codes.put(
                        file.getFileName().toString().replace(".java", ""),
                        COMMENT_OR_TEXT.matcher(Files.readString(file)).replaceAll(" "));
            }
        }
        Map<String, Set<String>> references = new TreeMap<>();
        codes.forEach((name, code) -> references.put(
                name, WORD.matcher(code).results().map(MatchResult::group)
                        .filter(w -> !w.equals(name) && codes.containsKey(w))
                        .collect(Collectors.toCollection(TreeSet::new))));
        return references;
    }

    /**
     * A circle through a class that is reached by {@code path}; empty if there is none. Classes that are done lie on
     * none.
     */
    private static List<String> circle(
            String name, Map<String, Set<String>> references, LinkedHashSet<String> path, Set<String> done) {
        if (path.contains(name)) {
            List<String> circle = new ArrayList<>(path);
            return circle.subList(circle.indexOf(name), circle.size());
        }
        if (done.contains(name)) {
            return List.of();
        }
        path.add(name);
        for (String next : references.get(name)) {
            List<String> circle = circle(next, references, path, done);
            if (!circle.isEmpty()) {
                return circle;
            }
        }
        path.remove(name);
        done.add(name);
        return List.of();
    }

    @Test
    void noClassNeedsItself() throws IOException {
        Map<String, Set<String>> references = references();
        Set<String> done = new TreeSet<>();
        for (String name : references.keySet()) {
            assertThat(circle(name, references, new LinkedHashSet<>(), done)).as("circle of classes").isEmpty();
        }
    }

    /** What finds no circle in the module must find those that there are. */
    @Test
    void circlesAreFound() {
        Map<String, Set<String>> references =
                Map.of("A", Set.of("B"), "B", Set.of("C", "D"), "C", Set.of(), "D", Set.of("B"));
        assertThat(circle("A", references, new LinkedHashSet<>(), new TreeSet<>())).containsExactlyInAnyOrder("B", "D");
        assertThat(circle("C", references, new LinkedHashSet<>(), new TreeSet<>())).isEmpty();
    }

    @Test
    void familiesDoNotKnowTheBackend() throws IOException {
        Map<String, Set<String>> references = references();
        assertThat(references).hasSizeLessThan(40).containsKey("CudaContext");
        assertThat(
                references.entrySet().stream().filter(e -> e.getValue().contains("CudaBackend")).map(Map.Entry::getKey))
                .containsExactly("CudaBackendProvider");
        assertThat(references.get("CudaContext"))
                .containsExactlyInAnyOrder("CudaStorage", "DeviceMemory", "Gpu", "KernelModule", "Scratch",
                        "Transfers");
    }
}
