package org.aimjvm.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** {@code docs/cli.md} says what {@code --help} says, of every command. */
class CliReferenceTest {
    private static final Path REFERENCE =
            Path.of(System.getProperty("basedir", ".")).resolve("../docs/cli.md").normalize();

    /** System property: bring the file up to date first. */
    private static final String WRITE = "aim.docs.write";

    @Test
    void theReferenceRepeatsEveryHelpText() throws IOException {
        if (Boolean.getBoolean(WRITE)) {
            Files.writeString(REFERENCE, CliReference.updated(Files.readString(REFERENCE)));
        }
        assertThat(CliReference.blocks(Files.readString(REFERENCE)))
                .as("run this test with -D" + WRITE
                        + "=true to bring the file up to date (a new command needs a new block)")
                .isEqualTo(CliReference.helps());
    }

    @Test
    void everyOptionWithAValueNamesIt() {
        assertThat(CliReference.helps()).allSatisfy((command, help) -> assertThat(help).doesNotContain("=<"));
    }
}
