package org.aimjvm.io;

/**
 * Reads JSON (RFC 8259) strictly, piece by piece, as it comes from files that may be damaged or hostile: no comments, no
 * leading zeros, no trailing commas, nothing after the value; nesting and the length of numbers are bounded.
 *
 * <p>By hand, since the library that writes JSON here takes 0.2 s of a start to get ready to read (ADR 0012).
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
    }

    private static final int MAX_NUMBER = 1000;

    private final String json;
    private final boolean[] isObject; // of the containers that are open
    private int depth;
    private int at;
    private boolean first = true; // nothing stands in the container yet, or nothing at all
    private boolean afterName;
    private Token token;
    private String text;

    /** @param maxDepth containers within each other, at most */
    JsonReader(String json, int maxDepth) {
        this.json = json;
        this.isObject = new boolean[maxDepth];
    }

    /**
     * Goes to the next piece, {@link Token#END} after the last.
     *
     * @throws MalformedException if the text ends early or is not JSON
     */
    Token next() {
        skipSpace();
        token = depth == 0 ? outside() : afterName ? value() : isObject[depth - 1] ? inObject() : inArray();
        return token;
    }

    /** The piece last read. */
    Token token() {
        return token;
    }

    /** A name or string without its escapes, or a number as it is written. */
    String text() {
        return text;
    }

    /**
     * The whole number last read.
     *
     * @throws MalformedException if it has more than 64 bits
     */
    long longValue() {
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException _) {
            throw new MalformedException("number " + CheckpointException.shorten(text) + ", expected one of 64 bits");
        }
    }

    private Token outside() {
        if (first) {
            return value();
        }
        if (at < json.length()) {
            throw unexpected("nothing but spaces after the value");
        }
        return Token.END;
    }

    private Token inObject() {
        if (peek() == '}') {
            return close(Token.END_OBJECT);
        }
        separate("'}'");
        if (peek() != '"') {
            throw unexpected("a name in quotes");
        }
        text = string();
        skipSpace();
        expect(':');
        afterName = true;
        return Token.NAME;
    }

    private Token inArray() {
        if (peek() == ']') {
            return close(Token.END_ARRAY);
        }
        separate("']'");
        return value();
    }

    /** The comma in front of all but the first of a container; nothing may close the container after it. */
    private void separate(String orElse) {
        if (!first) {
            if (peek() != ',') {
                throw unexpected("',' or " + orElse);
            }
            at++;
            skipSpace();
        }
    }

    private Token close(Token end) {
        at++;
        depth--;
        first = false;
        return end;
    }

    private Token value() {
        afterName = false;
        int c = peek();
        switch (c) {
            case '{', '[' -> {
                if (depth == isObject.length) {
                    throw new MalformedException("nested deeper than " + isObject.length + " at character " + at);
                }
                isObject[depth++] = c == '{';
                at++;
                first = true;
                return c == '{' ? Token.START_OBJECT : Token.START_ARRAY;
            }
            case '"' -> {
                text = string();
                first = false;
                return Token.STRING;
            }
            case 't' -> {
                return word("true", Token.TRUE);
            }
            case 'f' -> {
                return word("false", Token.FALSE);
            }
            case 'n' -> {
                return word("null", Token.NULL);
            }
            default -> {
                first = false;
                return number();
            }
        }
    }

    private Token word(String word, Token value) {
        if (!json.startsWith(word, at)) {
            throw unexpected("a value");
        }
        at += word.length();
        first = false;
        return value;
    }

    private Token number() {
        int start = at;
        if (peek() == '-') {
            at++;
        }
        if (!isDigit(peek())) {
            throw unexpected("a value");
        }
        if (peek() == '0') {
            at++;
        } else {
            digits();
        }
        Token kind = Token.WHOLE;
        if (peek() == '.') {
            at++;
            kind = Token.FRACTION;
            digits();
        }
        if (peek() == 'e' || peek() == 'E') {
            at++;
            kind = Token.FRACTION;
            if (peek() == '+' || peek() == '-') {
                at++;
            }
            digits();
        }
        if (at - start > MAX_NUMBER) {
            throw new MalformedException(
                    "number of " + (at - start) + " characters, expected at most " + MAX_NUMBER);
        }
        text = json.substring(start, at);
        return kind;
    }

    private void digits() {
        if (!isDigit(peek())) {
            throw unexpected("a digit");
        }
        while (isDigit(peek())) {
            at++;
        }
    }

    private static boolean isDigit(int c) {
        return c >= '0' && c <= '9';
    }

    /** The string that starts here, without quotes and escapes. */
    private String string() {
        int start = ++at;
        int end = json.indexOf('"', start);
        int escape = json.indexOf('\\', start, end < 0 ? json.length() : end);
        if (end >= 0 && escape < 0) { // as good as all of them
            for (int i = start; i < end; i++) {
                checkCharacter(json.charAt(i), i);
            }
            at = end + 1;
            return json.substring(start, end);
        }
        StringBuilder s = new StringBuilder();
        for (int c = peek(); c != '"'; c = peek()) {
            checkCharacter(c, at);
            at++;
            s.append((char) (c == '\\' ? escaped() : c));
        }
        at++;
        return s.toString();
    }

    private void checkCharacter(int c, int where) {
        if (c < ' ') {
            throw c == -1
                    ? unexpected("the end of a string")
                    : new MalformedException("control character " + c + " in a string at character " + where);
        }
    }

    private int escaped() {
        int c = peek();
        at++;
        return switch (c) {
            case '"', '\\', '/' -> c;
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'u' -> {
                int value = 0;
                for (int i = 0; i < 4; i++) {
                    int digit = peek() < 0x80 ? Character.digit(peek(), 16) : -1;
                    if (digit < 0) {
                        throw unexpected("four hexadecimal digits");
                    }
                    value = value << 4 | digit;
                    at++;
                }
                yield value;
            }
            default -> {
                at--;
                throw unexpected("an escape that JSON knows");
            }
        };
    }

    private void skipSpace() {
        for (int c = peek(); c == ' ' || c == '\n' || c == '\r' || c == '\t'; c = peek()) {
            at++;
        }
    }

    private void expect(char c) {
        if (peek() != c) {
            throw unexpected("'" + c + "'");
        }
        at++;
    }

    /** The character here, -1 at the end. */
    private int peek() {
        return at < json.length() ? json.charAt(at) : -1;
    }

    private MalformedException unexpected(String expected) {
        int c = peek();
        String got = c < 0 ? "the text ends" : c <= ' ' || c > '~' ? "character code " + c : "'" + (char) c + "'";
        return new MalformedException(got + " at character " + at + ", expected " + expected);
    }
}
