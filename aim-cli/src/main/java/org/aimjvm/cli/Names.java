package org.aimjvm.cli;

import java.util.Locale;

/** How enum values are spelled on the command line. */
final class Names {
    private Names() {}

    /** {@code LM_DECODE} as {@code lm-decode}. */
    static String of(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
