package org.aimjvm.cli.fetch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Portraits with programs that stand in for Node.js and npm, as these need a network. */
@DisabledOnOs(OS.WINDOWS)
class AvatarScriptTest {
    private static final Runnable SILENT = () -> {};

    @TempDir Path dir;

    private String program(String name, String body) throws IOException {
        Path file = dir.resolve(name);
        Files.writeString(file, "#!/bin/sh\n" + body + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
        return file.toString();
    }

    /** Answers like Node.js 20, and draws each picture in one colour. */
    private String node() throws IOException {
        return program("node", "if [ \"$1\" = --version ]; then echo v20.1.0; exit; fi\n"
                + "while read -r line; do head -c $((4 * $2 * $2)) /dev/zero | tr '\\0' '\\101'; done");
    }

    @Test
    void packagesAreInstalledOnceAndPicturesComeInOrder() throws IOException {
        AtomicInteger installs = new AtomicInteger();
        String npm =
                program("npm", "[ -f package-lock.json ] && [ -f draw.mjs ] && [ \"$1\" = ci ] && mkdir node_modules");
        for (int i = 0; i < 2; i++) {
            AvatarScript script =
                    AvatarScript.installed(dir.resolve("cache"), installs::incrementAndGet, node(), npm);
            try (AvatarScript.Drawing drawing = script.draw(5, List.of("thumbs train/1/0", "thumbs train/1/1"))) {
                assertThat(drawing.next()).hasSize(100).containsOnly('A');
                assertThat(drawing.next()).hasSize(100);
                assertThatThrownBy(drawing::next).isInstanceOf(IOException.class)
                        .hasMessage("draw.mjs: ended early, saying nothing");
            }
        }
        assertThat(installs).hasValue(1);
        try (Stream<Path> cache = Files.list(dir.resolve("cache"))) {
            assertThat(cache).singleElement().satisfies(p -> assertThat(p.resolve("node_modules")).isDirectory());
        }
    }

    @Test
    void aMissingOrOldNodeIsSaid() throws IOException {
        assertThatThrownBy(() -> AvatarScript.installed(dir, SILENT, dir.resolve("none").toString(), "npm"))
                .hasMessageStartingWith("node: not found, expected Node.js 18 or newer with npm");
        String old = program("old", "echo v12.22.9");
        assertThatThrownBy(() -> AvatarScript.installed(dir, SILENT, old, "npm"))
                .hasMessageStartingWith("node: version v12.22.9, expected 18 or newer");
        String other = program("other", "echo hello");
        assertThatThrownBy(() -> AvatarScript.installed(dir, SILENT, other, "npm"))
                .hasMessageStartingWith("node: version hello, expected 18 or newer");
    }

    @Test
    void aFailingNpmLeavesNothing() throws IOException {
        String npm = program("npm", "echo 'npm error network' >&2; exit 7");
        assertThatThrownBy(() -> AvatarScript.installed(dir.resolve("cache"), SILENT, node(), npm))
                .hasMessageContaining("failed with 7, npm error network (expected packages from npm's registry");
        try (Stream<Path> cache = Files.list(dir.resolve("cache"))) {
            assertThat(cache).isEmpty();
        }
    }

    @Test
    void aComplaintOfTheScriptIsPassedOn() throws IOException {
        String broken = program("broken", "if [ \"$1\" = --version ]; then echo v20.1.0; exit; fi\n"
                + "echo 'Error: no such style' >&2; exit 1");
        AvatarScript script =
                AvatarScript.installed(dir.resolve("cache"), SILENT, broken, program("npm", "exit 0"));
        try (AvatarScript.Drawing drawing = script.draw(5, List.of("nothing x"))) {
            assertThatThrownBy(drawing::next).hasMessage("draw.mjs: ended early, Error: no such style");
        }
    }
}
