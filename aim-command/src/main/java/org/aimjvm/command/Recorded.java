package org.aimjvm.command;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * How a recipe keeps the value of an option that this marks, or of all options of a class; one that is not marked is
 * kept as it is, a {@link java.nio.file.Path} by its last name.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.FIELD, ElementType.TYPE})
public @interface Recorded {
    /** What is kept. */
    enum As {
        /** Nothing: it decides no numbers, such as where to write and on how many threads. */
        NOTHING,
        /** The last name of a path, or the name of an embedded model. */
        LAST_NAME,
        /** Of {@code KIND=PATH} the kind and the path's last name; any other value as it is. */
        KIND_AND_LAST_NAME
    }

    /** What is kept. */
    As value();
}
