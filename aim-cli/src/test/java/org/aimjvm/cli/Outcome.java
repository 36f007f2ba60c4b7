package org.aimjvm.cli;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.aimjvm.command.Console;

/** What a command line run in this JVM came to. */
public record Outcome(int exit, String out, String err) {
    /** Runs {@code aim args...} without a terminal. */
    public static Outcome of(String... args) {
        return of(false, args);
    }

    /** @param interactive whether standard error counts as a terminal */
    public static Outcome of(boolean interactive, String... args) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        Console console = new Console(new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8), interactive);
        int exit = Aim.run(console, args);
        return new Outcome(exit, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    /** {@code text} split at spaces, with every {@code DIR} replaced by {@code dir}. */
    public static String[] words(Object dir, String text) {
        String[] words = text.strip().split("\\s+");
        for (int i = 0; i < words.length; i++) {
            words[i] = words[i].replace("DIR", dir.toString());
        }
        return words;
    }
}
