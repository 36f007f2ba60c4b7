package org.aimjvm.cli.recipe;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.dataformat.yaml.YAMLFactory;
import tools.jackson.dataformat.yaml.YAMLParser;

/**
 * A value of a YAML file with its line. Of the language only maps, lists of scalars and scalars are taken: no tags, which
 * name types, no anchors and aliases, which can make little text large, and one document.
 *
 * @param value a map of nodes by name, a list of texts, or a text; {@code null} for nothing
 */
record YamlNode(Object value, Path file, int line) {
    private static final int MAX_DEPTH = 3;

    /**
     * Reads a document.
     *
     * @throws IllegalArgumentException naming file and line
     */
    static YamlNode read(String text, Path file) {
        try (YAMLParser parser = (YAMLParser) new YAMLFactory().createParser(ObjectReadContext.empty(), text)) {
            if (parser.nextToken() == null) {
                return new YamlNode(null, file, 1);
            }
            YamlNode node = value(parser, file, 1);
            if (parser.nextToken() != null) {
                throw wrong(file, line(parser), "a second document (expected one)");
            }
            return node;
        } catch (JacksonException e) {
            int line = e.getLocation() == null ? 1 : Math.max(1, e.getLocation().getLineNr());
            String first = String.valueOf(e.getOriginalMessage()).lines().findFirst().orElse("");
            throw new IllegalArgumentException(file + ":" + line + ": not YAML: " + first, e);
        }
    }

    private static YamlNode value(YAMLParser parser, Path file, int depth) {
        int line = line(parser);
        if (parser.isCurrentAlias() || parser.getObjectId() != null || parser.getTypeId() != null) {
            throw wrong(file, line, "an anchor, alias or tag (expected plain values)");
        }
        if (depth > MAX_DEPTH) {
            throw wrong(file, line, "nested too deep (expected sections of options)");
        }
        JsonToken token = parser.currentToken();
        return switch (token) {
            case START_OBJECT -> new YamlNode(members(parser, file, depth), file, line);
            case START_ARRAY -> new YamlNode(elements(parser, file), file, line);
            case VALUE_NULL -> new YamlNode(null, file, line);
            default -> new YamlNode(parser.getString(), file, line);
        };
    }

    private static Map<String, YamlNode> members(YAMLParser parser, Path file, int depth) {
        Map<String, YamlNode> members = new LinkedHashMap<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String name = parser.currentName();
            int line = line(parser);
            if (parser.isCurrentAlias() || parser.getObjectId() != null || parser.getTypeId() != null) {
                throw wrong(file, line, "an anchor, alias or tag (expected plain names)");
            }
            parser.nextToken();
            YamlNode node = value(parser, file, depth + 1);
            if (members.put(name, new YamlNode(node.value, file, line)) != null) {
                throw wrong(file, line, name + ": given twice (expected once)");
            }
        }
        return members;
    }

    private static List<String> elements(YAMLParser parser, Path file) {
        List<String> elements = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            YamlNode node = parser.currentToken().isScalarValue() ? value(parser, file, MAX_DEPTH) : null;
            if (node == null || !(node.value instanceof String text)) {
                throw wrong(file, line(parser), "a list of something else (expected single values in it)");
            }
            elements.add(text);
        }
        return elements;
    }

    private static int line(YAMLParser parser) {
        return Math.max(1, parser.currentTokenLocation().getLineNr());
    }

    /** The members of a map, which the section of a file must be. */
    @SuppressWarnings("unchecked") // made by members()
    Map<String, YamlNode> members(String expected) {
        if (value instanceof Map) {
            return (Map<String, YamlNode>) value;
        }
        throw wrong((value == null ? "nothing" : String.valueOf(value)) + " (expected " + expected + ")");
    }

    /** A scalar or a list of some. */
    @SuppressWarnings("unchecked") // made by elements()
    Setting setting() {
        return switch (value) {
            case String text -> Setting.of(text, where());
            case List<?> list -> new Setting((List<String>) list, true, where());
            case null -> throw wrong("nothing (expected a value)");
            default -> throw wrong("a map (expected a value)");
        };
    }

    private String where() {
        return file + ":" + line;
    }

    IllegalArgumentException wrong(String message) {
        return wrong(file, line, message);
    }

    private static IllegalArgumentException wrong(Path file, int line, String message) {
        return new IllegalArgumentException(file + ":" + line + ": " + message);
    }
}
