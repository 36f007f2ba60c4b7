package org.aimjvm.cli.command;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.PositionRule;
import org.aimjvm.nn.Params;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;
import org.aimjvm.vq.VqRole;

/**
 * Number of trained values of a model, by part. Computed from a model without data, so of any size at once.
 *
 * @param parts by name, in the order of the model
 */
record ParameterCounts(Map<String, Long> parts) {
    static ParameterCounts of(AimConfig config) {
        Params params = Params.shapesOnly();
        new AimModel(params, config, PositionRule.SEQUENCE_INDEX);
        return count(params, Params.Role::toString);
    }

    static ParameterCounts of(VqConfig config) {
        Params params = Params.shapesOnly();
        new VqModel(params, config);
        return count(params, role -> partName((VqRole) role));
    }

    private static ParameterCounts count(Params params, Function<Params.Role, String> part) {
        Map<String, Long> parts = new LinkedHashMap<>();
        params.weights().forEach(
                (name, t) -> parts.merge(part.apply(params.role(name)), (long) t.size(), Long::sum));
        return new ParameterCounts(parts);
    }

    long total() {
        return parts.values().stream().mapToLong(Long::longValue).sum();
    }

    private static String partName(VqRole role) {
        return switch (role.part()) {
            case ENCODER -> "encoder";
            case DECODER -> "decoder";
            case CODEBOOK -> "codebook";
            case TO_CODES, FROM_CODES -> "projections";
        };
    }
}
