package org.aimjvm.bench;

import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.aimjvm.verify.OpCase;
import org.aimjvm.verify.OpCases;

/** Operation cases under names that JMH takes for one value of a parameter: without commas. */
final class CaseNames {
    private CaseNames() {}

    private static Stream<OpCase> all() {
        return Stream.concat(OpCases.ofModels().stream(), OpCases.all().stream());
    }

    private static String of(OpCase c) {
        return c.name().replace(",", "");
    }

    /** The case of that name. */
    static OpCase find(String name) {
        return all().filter(c -> of(c).equals(name)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("case: " + name + ", expected one of OpCases"));
    }

    /**
     * Names of cases in which {@code pattern} is found.
     *
     * @param pattern {@code null} for those of the published models
     * @param training only those with an input that wants a gradient
     */
    static List<String> matching(String pattern, boolean training) {
        Stream<OpCase> chosen = pattern == null
                ? OpCases.ofModels().stream()
                : all().filter(c -> Pattern.compile(pattern).matcher(of(c)).find());
        return chosen.filter(c -> !training || hasGradient(c)).map(CaseNames::of).distinct().toList();
    }

    private static boolean hasGradient(OpCase c) {
        return c.inputs().stream().anyMatch(i -> i.kind() == OpCase.Kind.DIFFERENTIABLE);
    }
}
