package org.aimjvm.cuda;

import java.util.Set;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Skips tests, with the reason, where there is neither a GPU nor a C++ compiler to build the emulated one with; those
 * of other modules too, which know nothing of that.
 */
public final class NeedsDevice implements ExecutionCondition {
    private static final Set<String> NEED_NONE =
            Set.of("AbsenceTest", "ClassCirclesTest", "KernelConstantsTest", "KernelParametersTest", "PtxTest");

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        String name = context.getTestClass().map(Class::getSimpleName).orElse("");
        if (NEED_NONE.contains(name)) {
            return ConditionEvaluationResult.enabled("needs no device");
        }
        String problem = Gpu.problem(0);
        return problem == null
                ? ConditionEvaluationResult.enabled("there is a device")
                : ConditionEvaluationResult.disabled("cuda: " + problem);
    }
}
