package org.aimjvm.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * JMH with the names of operation cases filled in: {@code -p opCase=PATTERN} takes the cases in which the pattern is
 * found, without it {@link OpBenchmark} runs those of the published models. Everything else is JMH's own command line.
 */
public final class Benchmarks {
    private static final String OPTION = "opCase=";

    private Benchmarks() {}

    public static void main(String[] args) throws IOException {
        String pattern = null;
        List<String> rest = new ArrayList<>();
        for (int i = 0; i < args.length; i++) {
            if (args[i].equals("-p") && i + 1 < args.length && args[i + 1].startsWith(OPTION)) {
                pattern = args[++i].substring(OPTION.length());
            } else {
                rest.add(args[i]);
            }
        }
        List<String> forward = CaseNames.matching(pattern, false);
        if (forward.isEmpty()) {
            System.err
                    .println("opCase: " + pattern + " is in no case's name, expected a pattern such as 'AiM-B linear'");
            System.exit(2);
        }
        add(rest, OPTION, forward);
        add(rest, "gradientCase=", CaseNames.matching(pattern, true));
        org.openjdk.jmh.Main.main(rest.toArray(String[]::new));
    }

    private static void add(List<String> args, String option, List<String> values) {
        if (!values.isEmpty()) {
            args.add("-p");
            args.add(option + String.join(",", values));
        }
    }
}
