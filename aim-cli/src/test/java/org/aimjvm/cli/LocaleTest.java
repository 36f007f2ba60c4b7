package org.aimjvm.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.aimjvm.io.StagedFolder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The user's language decides nothing: not digits, not decimal points, not the small letter of I. */
class LocaleTest {
    private static final Locale HERE = Locale.getDefault();
    private static final Path PROJECT = Path.of(System.getProperty("basedir", ".")).resolve("..");

    /**
     * Formatting by the default locale: a format string where a {@code Locale} could stand, or a method without one.
     */
    private static final Pattern BY_DEFAULT_LOCALE = Pattern.compile(
            "String\\.format\\((?!\\s*Locale\\b)|\\.printf\\((?!\\s*Locale\\b)|\\.formatted\\(|\\.to(Lower|Upper)Case\\(\\)"
                    + "|new (Decimal|SimpleDate|Message)Format\\b|NumberFormat\\.get|Locale\\.getDefault");

    @TempDir private static Path shared;
    @TempDir private Path dir;

    private static Path expected;

    @BeforeAll
    static void underNoLocale() throws IOException {
        TinyData.idx(shared.resolve("data"));
        Locale.setDefault(Locale.ROOT);
        try {
            expected = wholePath(shared.resolve("expected"));
        } finally {
            Locale.setDefault(HERE);
        }
    }

    @AfterEach
    void backHome() {
        Locale.setDefault(HERE);
    }

    /** Trains a tokenizer, stops and resumes it, encodes, trains a sequence model on the codes, and generates. */
    private static Path wholePath(Path folder) throws IOException {
        Files.createDirectories(folder);
        String trainVq = "train vq --data DATA --out DIR/vq --steps 7 --checkpoint-every 2 --keep 2 --schedule linear"
                + " --validate-every 3 --sample-every 3 --resume " + TinyData.VQ;
        aim(folder, trainVq);
        StagedFolder.delete(folder.resolve("vq/step-00000007")); // as if it had been stopped before the last step
        StagedFolder.delete(folder.resolve("vq/model"));
        aim(folder, trainVq);
        aim(folder, "tokenize --model DIR/vq/model --data DATA --size 8 --split TRAIN --out DIR/codes");
        aim(folder, "train lm --data DIR/codes --tokenizer DIR/vq/model --out DIR/lm --steps 3 --validate-every 0"
                + " --hold-out 5 " + TinyData.LM);
        aim(folder,
                "generate --model DIR/lm/model --label 0,2 --count 2 --weights int8 --out DIR/pictures --npz DIR/p.npz");
        aim(folder, "convert DIR/lm/model DIR/converted --dtype f16");
        return folder;
    }

    private static void aim(Path folder, String text) {
        Outcome o = Outcome.of(Outcome.words(folder, text.replace("DATA", shared.resolve("data").toString())));
        assertThat(o.exit()).as(text + ": " + o.err()).isZero();
        assertThat(o.out()).as("printed by " + text).isASCII();
    }

    @ParameterizedTest
    @ValueSource(strings = {"ar-EG", "tr-TR", "de-DE", "fa-IR"})
    void theWholePathMakesTheSameFiles(String tag) throws IOException {
        Locale.setDefault(Locale.forLanguageTag(tag));
        Path got = wholePath(dir.resolve("expected"));
        assertThat(files(got)).isEqualTo(files(expected)).contains("vq/step-00000006/model.safetensors",
                "vq/samples/step-00000003.png", "codes/codes-00001-of-00001.safetensors", "pictures/2-1.png");
        for (String name : files(expected)) {
            boolean varies = name.endsWith("metrics.csv") || name.endsWith("loss.png"); // seconds; fonts
            if (!varies) {
                assertThat(got.resolve(name)).hasSameBinaryContentAs(expected.resolve(name));
            }
        }
        assertThat(Files.readString(got.resolve("vq/metrics.csv"))).isASCII();
    }

    private static Set<String> files(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(Files::isRegularFile).map(p -> folder.relativize(p).toString())
                    .collect(TreeSet::new, Set::add, Set::addAll);
        }
    }

    @Test
    void nothingIsFormattedByTheDefaultLocale() throws IOException {
        List<String> found = new ArrayList<>();
        for (Path source : sources()) {
            String text = Files.readString(source);
            BY_DEFAULT_LOCALE.matcher(text).results().forEach(m -> found.add(
                    PROJECT.relativize(source) + ":" + text.substring(0, m.start()).lines().count() + ": "
                            + m.group()));
        }
        assertThat(found).as("expected Locale.ROOT as first argument").isEmpty();
    }

    private static List<Path> sources() throws IOException {
        List<Path> sources = new ArrayList<>();
        try (Stream<Path> modules = Files.list(PROJECT)) {
            for (Path main : modules.map(m -> m.resolve("src/main/java")).filter(Files::isDirectory).toList()) {
                try (Stream<Path> all = Files.walk(main)) {
                    all.filter(p -> p.toString().endsWith(".java")).forEach(sources::add);
                }
            }
        }
        assertThat(sources).hasSizeGreaterThan(400);
        return sources;
    }
}
