package org.aimjvm.cli.recipe;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * A recipe as a file: {@code version: 1}, {@code name}, and a map of settings for each {@link Section}.
 *
 * @param path the file
 * @param name of what it makes
 * @param sections settings by name, in the order of the file
 */
public record RecipeFile(Path path, String name, Map<Section, Map<String, Setting>> sections) {
    /** Version of this form. */
    public static final int VERSION = 1;

    private static final int MAX_BYTES = 1 << 16;
    private static final String VERSION_KEY = "version";
    private static final String NAME_KEY = "name";

    public RecipeFile {
        Map<Section, Map<String, Setting>> copy = new EnumMap<>(Section.class);
        sections.forEach((s, settings) -> copy.put(s, Collections.unmodifiableMap(new LinkedHashMap<>(settings))));
        sections = Collections.unmodifiableMap(copy);
    }

    /**
     * Reads a file.
     *
     * @throws IllegalArgumentException naming file and line, if it is not such a file, has tags, anchors or a second
     *     document, or is of another version
     * @throws IOException if it cannot be read
     */
    public static RecipeFile read(Path path) throws IOException {
        byte[] bytes;
        try (InputStream in = Files.newInputStream(path)) {
            bytes = in.readNBytes(MAX_BYTES + 1);
        }
        if (bytes.length > MAX_BYTES) {
            throw new IllegalArgumentException(path + ": more than " + MAX_BYTES + " bytes, expected a recipe");
        }
        return parse(new String(bytes, StandardCharsets.UTF_8), path);
    }

    /** As {@link #read}, with the text of the file. */
    static RecipeFile parse(String text, Path path) {
        Map<String, YamlNode> members = YamlNode.read(text, path).members("a map of version, name and sections");
        requireVersion(members.get(VERSION_KEY), path);
        String name = members.containsKey(NAME_KEY) ? members.get(NAME_KEY).setting().text() : "";
        Map<Section, Map<String, Setting>> sections = new EnumMap<>(Section.class);
        members.forEach((key, node) -> {
            if (key.equals(VERSION_KEY) || key.equals(NAME_KEY)) {
                return;
            }
            Section section = Section.of(key).orElseThrow(
                    () -> node.wrong(key + ": unknown section (expected one of " + Section.keys() + ")"));
            Map<String, Setting> settings = new LinkedHashMap<>();
            node.members(key + ": a map of options").forEach((option, value) -> settings.put(option, value.setting()));
            sections.put(section, settings);
        });
        return new RecipeFile(path, name, sections);
    }

    private static void requireVersion(YamlNode version, Path path) {
        if (version == null) {
            throw new IllegalArgumentException(path + ":1: no version (expected the line 'version: " + VERSION + "')");
        }
        String got = version.setting().text();
        if (!got.equals(String.valueOf(VERSION))) {
            throw version.wrong("version: " + got + " (expected " + VERSION
                    + "; run it with the version of AiM that it was written for)");
        }
    }

    /** The settings of a section; empty if it is not there. */
    Optional<Map<String, Setting>> section(Section section) {
        return Optional.ofNullable(sections.get(section));
    }

    /**
     * The same with a value set.
     *
     * @param assignment {@code SECTION.OPTION=VALUE}
     * @throws IllegalArgumentException if it is not of that form, or there is no such section here
     */
    public RecipeFile with(String assignment) {
        int dot = assignment.indexOf('.');
        int equals = assignment.indexOf('=');
        if (dot < 1 || equals < dot + 2) {
            throw new IllegalArgumentException(
                    "--set: " + assignment + " (expected SECTION.OPTION=VALUE, e.g. tokenizer.steps=100)");
        }
        String key = assignment.substring(0, dot);
        Section section = Section.of(key).filter(sections::containsKey).orElseThrow(() -> new IllegalArgumentException(
                "--set: " + assignment + ": section " + key + " is not in " + path + " (expected one of "
                        + String.join(", ", sections.keySet().stream().map(Section::key).toList()) + ")"));
        Map<Section, Map<String, Setting>> changed = new EnumMap<>(sections);
        Map<String, Setting> settings = new LinkedHashMap<>(sections.get(section));
        settings.put(
                assignment.substring(dot + 1, equals),
                Setting.of(assignment.substring(equals + 1), "--set " + assignment));
        changed.put(section, settings);
        return new RecipeFile(path, name, changed);
    }
}
