package org.aimjvm;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The tables of {@code docs/architecture.md} are law: a package of aim-core uses only packages above it in the table, a
 * module only modules above it. A table is an order, so what keeps to it has no circle.
 */
class LayersTest {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
    private static final String OURS = "org.aimjvm";
    /** The facade's package, as the table calls it. */
    private static final String FACADE = "(root)";
    /** Comments, texts and characters, which use nothing. */
    private static final Pattern NO_CODE = Pattern.compile(
            "/\\*.*?\\*/|//[^\\n]*|\"\"\".*?\"\"\"|\"(?:\\\\.|[^\"\\\\\\n])*\"|'(?:\\\\.|[^'\\\\])+'", Pattern.DOTALL);
    /** A qualified name of one of our types: import, static import or in the middle of code. */
    private static final Pattern NAME = Pattern.compile("\\borg\\.aimjvm((?:\\.[a-z][a-z0-9]*)*)\\.(?:[A-Z]\\w*|\\*)");

    /** A source file: its package, and the packages of ours that it names. */
    record Source(String file, String home, TreeSet<String> used) {
        static Source of(String file, String text) {
            String code = NO_CODE.matcher(text).replaceAll(" ");
            Matcher declared = Pattern.compile("\\bpackage\\s+org\\.aimjvm([\\w.]*)\\s*;").matcher(code);
            assertThat(declared.find()).as(file + ": a package declaration").isTrue();
            TreeSet<String> used = new TreeSet<>();
            Matcher name = NAME.matcher(code);
            while (name.find()) {
                used.add(shorter(name.group(1)));
            }
            return new Source(file, shorter(declared.group(1)), used);
        }

        private static String shorter(String dotted) {
            return dotted.isEmpty() ? FACADE : dotted.substring(1);
        }
    }

    /** What is against the order: uses that point up, rooms that the table lacks or lists in vain. */
    private static List<String> problems(List<String> order, List<Source> sources) {
        List<String> problems = new ArrayList<>();
        TreeSet<String> rooms = new TreeSet<>();
        for (Source s : sources) {
            rooms.add(s.home);
            int floor = order.indexOf(s.home);
            for (String other : s.used) {
                if (!other.equals(s.home) && floor >= 0 && order.indexOf(other) > floor) {
                    problems.add(s.file + ": " + s.home + " uses " + other + ", which stands below it in the table");
                } else if (order.indexOf(other) < 0) {
                    problems.add(s.file + ": " + s.home + " uses " + other + ", which is not in the table");
                }
            }
        }
        rooms.stream().filter(r -> !order.contains(r)).forEach(r -> problems.add(r + ": not in the table"));
        order.stream().filter(r -> !rooms.contains(r)).forEach(r -> problems.add(r + ": in the table, without a file"));
        return problems;
    }

    @Test
    void packagesOfCoreUseOnlyThoseAboveThem() throws IOException {
        assertThat(problems(List.copyOf(table("package").keySet()), sources("aim-core"))).isEmpty();
    }

    @Test
    void modulesUseOnlyThoseAboveThem() throws IOException {
        List<String> modules = List.copyOf(table("module").keySet());
        Map<String, String> moduleOf = new TreeMap<>();
        for (String module : modules) {
            for (Source s : sources(module)) {
                String before = moduleOf.put(s.home, module);
                assertThat(before == null || before.equals(module)).as(s.home + ": in " + before + " and " + module)
                        .isTrue();
            }
        }
        List<String> problems = new ArrayList<>();
        for (String module : modules) {
            for (Source s : sources(module)) {
                for (String used : s.used) {
                    String other = moduleOf.get(used);
                    if (other == null || modules.indexOf(other) > modules.indexOf(module)) {
                        problems.add(s.file + ": " + module + " uses " + used + " of " + other);
                    }
                }
            }
        }
        assertThat(problems).isEmpty();
        try (Stream<Path> all = Files.list(ROOT)) {
            assertThat(all.filter(m -> Files.exists(m.resolve("pom.xml"))).map(m -> m.getFileName().toString()))
                    .containsExactlyInAnyOrderElementsOf(modules);
        }
    }

    /** The table's rings are those that the module's descriptor lists, and it exports what no ring calls internal. */
    @Test
    void descriptorExportsAllButTheInternalRing() throws IOException {
        String descriptor = Files.readString(ROOT.resolve("aim-core/src/main/java/module-info.java"));
        table("package").forEach((name, ring) -> {
            String dotted = name.equals(FACADE) ? OURS : OURS + "." + name;
            assertThat(descriptor.contains("exports " + dotted + ";")).as(dotted + " is " + ring)
                    .isEqualTo(!ring.equals("internal"));
        });
    }

    @Test
    void aPlantedViolationIsCaught() {
        List<String> order = List.of("tensor", "op", FACADE);
        Source low = Source.of("Low.java", "package org.aimjvm.tensor; import org.aimjvm.op.Shapes; class Low {}");
        Source inside = Source.of("In.java", "package org.aimjvm.op; class In { Object o = new org.aimjvm.AiM(); }");
        Source fixed = Source.of("St.java", "package org.aimjvm.tensor; import static org.aimjvm.op.X.y; class St {}");
        Source good = Source.of(
                "Good.java", """
                        package org.aimjvm;
                        import org.aimjvm.op.Shapes; // not org.aimjvm.train.Loop
                        /** As {@link org.aimjvm.train.Loop}. */
                        class Good { String s = "org.aimjvm.train.Loop"; }
                        """);
        Source unlisted = Source.of("New.java", "package org.aimjvm.train; class New { org.aimjvm.nn.Params p; }");
        assertThat(problems(order, List.of(low, inside, fixed, good, unlisted))).containsExactly(
                "Low.java: tensor uses op, which stands below it in the table",
                "In.java: op uses (root), which stands below it in the table",
                "St.java: tensor uses op, which stands below it in the table",
                "New.java: train uses nn, which is not in the table", "train: not in the table");
        assertThat(problems(List.of("tensor", "gone"),
                List.of(Source.of("A.java", "package org.aimjvm.tensor; class A {}"))))
                .containsExactly("gone: in the table, without a file");
    }

    /**
     * First column (without its backticks) to second column of the table whose first column has that heading, in
     * order.
     */
    private static Map<String, String> table(String heading) throws IOException {
        Map<String, String> rows = new LinkedHashMap<>();
        boolean inside = false;
        for (String line : Files.readAllLines(ROOT.resolve("docs/architecture.md"))) {
            String[] cells = line.split("\\|");
            if (line.startsWith("| " + heading + " |")) {
                inside = true;
            } else if (inside && line.startsWith("|--")) {
                continue;
            } else if (inside && line.startsWith("|")) {
                rows.put(cells[1].strip().replace("`", ""), cells[2].strip());
            } else {
                inside = false;
            }
        }
        assertThat(rows).as("docs/architecture.md: a table with the heading " + heading).isNotEmpty();
        return rows;
    }

    private static List<Source> sources(String module) throws IOException {
        List<Source> sources = new ArrayList<>();
        Path folder = ROOT.resolve(module).resolve("src/main/java");
        if (!Files.exists(folder)) { // a module of resources
            return sources;
        }
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path file : all.filter(f -> f.toString().endsWith(".java")).sorted().toList()) {
                if (!file.endsWith("module-info.java")) {
                    sources.add(Source.of(folder.relativize(file).toString(), Files.readString(file)));
                }
            }
        }
        return sources;
    }
}
