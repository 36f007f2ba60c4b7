package org.aimjvm;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Tag;

/**
 * Marks tests whose answer could depend on the SIMD width: backend laws, kernels against the scalar reference, decode
 * equals forward. {@code mvn verify} runs them four times: at the CPU's own width with all other tests, then alone with
 * {@code -Daim.simd.bits=128}, with {@code -Daim.simd.bits=256}, and without the Vector module (see the surefire
 * executions in {@code aim-core/pom.xml}). Subclasses of a marked class are marked.
 */
@Documented
@Inherited
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@Tag(EverySimdWidth.TAG)
public @interface EverySimdWidth {
    /** Name of the tag, as in {@code mvn test -Dgroups=backends}. */
    String TAG = "backends";
}
