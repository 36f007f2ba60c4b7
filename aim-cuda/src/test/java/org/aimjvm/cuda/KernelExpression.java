package org.aimjvm.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * A constant of the kernels' sources as C++ would compute it: ints, names, the operators that constants there are made
 * with.
 */
final class KernelExpression {
    private static final Pattern TOKEN = Pattern.compile("\\w+(?:::\\w+)*|\\|\\||==|<=|<<|[-+*/()?:<]");
    /** By level, the loosest first; each groups from the left. */
    private static final List<List<String>> OPERATORS =
            List.of(List.of("||"), List.of("=="), List.of("<", "<="), List.of("<<"), List.of("+", "-"),
                    List.of("*", "/"));

    private final List<String> tokens;
    private final ToIntFunction<String> names;
    private int at;

    private KernelExpression(String text, ToIntFunction<String> names) {
        this.tokens = new ArrayList<>(TOKEN.matcher(text).results().map(MatchResult::group).toList());
        if (!String.join("", tokens).equals(text.replaceAll("\\s", ""))) {
            throw new IllegalArgumentException(
                    "constant: " + text + ", expected ints, names and + - * / << < <= == || ?:");
        }
        this.names = names;
    }

    /** @param names values of the names in it */
    static int value(String text, ToIntFunction<String> names) {
        KernelExpression e = new KernelExpression(text, names);
        int value = e.choice();
        if (e.at != e.tokens.size()) {
            throw new IllegalArgumentException("constant: " + text + ", expected its end at " + e.tokens.get(e.at));
        }
        return value;
    }

    private boolean take(String token) {
        boolean is = at < tokens.size() && tokens.get(at).equals(token);
        at += is ? 1 : 0;
        return is;
    }

    private int choice() {
        int value = binary(0);
        if (!take("?")) {
            return value;
        }
        int yes = choice();
        take(":");
        int no = choice();
        return value != 0 ? yes : no;
    }

    private int binary(int level) {
        if (level == OPERATORS.size()) {
            return primary();
        }
        int left = binary(level + 1);
        while (at < tokens.size() && OPERATORS.get(level).contains(tokens.get(at))) {
            String operator = tokens.get(at++);
            left = apply(operator, left, binary(level + 1));
        }
        return left;
    }

    private static int apply(String operator, int a, int b) {
        return switch (operator) {
            case "||" -> a != 0 || b != 0 ? 1 : 0;
            case "==" -> a == b ? 1 : 0;
            case "<" -> a < b ? 1 : 0;
            case "<=" -> a <= b ? 1 : 0;
            case "<<" -> a << b;
            case "+" -> a + b;
            case "-" -> a - b;
            case "*" -> a * b;
            default -> a / b;
        };
    }

    private int primary() {
        if (take("(")) {
            int value = choice();
            take(")");
            return value;
        }
        if (take("-")) {
            return -primary();
        }
        String token = tokens.get(at++);
        return Character.isDigit(token.charAt(0)) ? Integer.decode(token) : names.applyAsInt(token);
    }
}
