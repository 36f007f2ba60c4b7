package org.aimjvm.io;

import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.json.JsonFactory;

/**
 * Reads JSON piece by piece, as it comes from files that may be damaged or hostile: Jackson's streaming parser, strict,
 * with bounded nesting and numbers, which stay as they are written. Its trees and mapper take much of a start to get
 * ready (ADR 0012), so they are left to what a start does not need.
 */
final class JsonReader {
    /** A piece of a JSON text. */
    enum Token {
        START_OBJECT, END_OBJECT, START_ARRAY, END_ARRAY,
        /** The name of a member; its value follows. */
        NAME, STRING,
        /** A number without fraction and exponent. */
        WHOLE,
        /** Any other number. */
        FRACTION, TRUE, FALSE, NULL, END
    }

    /** The text is not JSON; the message says where and why. */
    static final class MalformedException extends RuntimeException {
        MalformedException(String message) {
            super(message);
        }

        MalformedException(String message, Throwable cause) {
            super(message, cause);
        }
    }

    private static final int MAX_NUMBER = 1000;
    /** Without a table of names that all files share: those of a hostile one would fill it. */
    private static final TokenStreamFactory FACTORY = JsonFactory.builder()
            .disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES)
            .streamReadConstraints(StreamReadConstraints.builder().maxNumberLength(MAX_NUMBER).build())
            .build();

    private final JsonParser parser;
    private final int maxDepth;
    private int depth;
    private Token token;

    /** @param maxDepth containers within each other, at most */
    JsonReader(String json, int maxDepth) {
        this.parser = FACTORY.createParser(ObjectReadContext.empty(), json);
        this.maxDepth = maxDepth;
    }

    /**
     * Goes to the next piece, {@link Token#END} after the last.
     *
     * @throws MalformedException if the text ends early or is not JSON
     */
    Token next() {
        boolean started = token != null;
        JsonToken next = nextToken();
        if (next == null && !started) {
            throw new MalformedException("the text ends, expected a value");
        }
        if (next != null && started && depth == 0) {
            throw new MalformedException("more than one value" + where());
        }
        token = next == null ? Token.END : token(next);
        if (depth > maxDepth) {
            throw new MalformedException("nested deeper than " + maxDepth + where());
        }
        return token;
    }

    private JsonToken nextToken() {
        try {
            return parser.nextToken();
        } catch (JacksonException e) {
            throw new MalformedException(e.getOriginalMessage() + where(), e);
        }
    }

    private Token token(JsonToken next) {
        return switch (next) {
            case START_OBJECT -> open(Token.START_OBJECT);
            case START_ARRAY -> open(Token.START_ARRAY);
            case END_OBJECT -> close(Token.END_OBJECT);
            case END_ARRAY -> close(Token.END_ARRAY);
            case PROPERTY_NAME -> Token.NAME;
            case VALUE_STRING -> Token.STRING;
            case VALUE_NUMBER_INT -> Token.WHOLE;
            case VALUE_NUMBER_FLOAT -> Token.FRACTION;
            case VALUE_TRUE -> Token.TRUE;
            case VALUE_FALSE -> Token.FALSE;
            case VALUE_NULL -> Token.NULL;
            case NOT_AVAILABLE, VALUE_EMBEDDED_OBJECT -> throw new AssertionError(next);
        };
    }

    private Token open(Token start) {
        depth++;
        return start;
    }

    private Token close(Token end) {
        depth--;
        return end;
    }

    private String where() {
        return " (character " + parser.currentLocation().getCharOffset() + ")";
    }

    /** The piece last read. */
    Token token() {
        return token;
    }

    /**
     * A name or string without its escapes, or a number as it is written.
     *
     * @throws MalformedException if a string is not one
     */
    String text() {
        try {
            return parser.getString();
        } catch (JacksonException e) {
            throw new MalformedException(e.getOriginalMessage() + where(), e);
        }
    }

    /**
     * The whole number last read.
     *
     * @throws MalformedException if it has more than 64 bits
     */
    long longValue() {
        String text = text();
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException _) {
            throw new MalformedException("number " + CheckpointException.shorten(text) + ", expected one of 64 bits");
        }
    }
}
