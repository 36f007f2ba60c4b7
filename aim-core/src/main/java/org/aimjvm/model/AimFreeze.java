package org.aimjvm.model;

import java.util.BitSet;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.aimjvm.nn.Params;

/**
 * Parts of a sequence model that keep their values in a training, by name.
 *
 * <pre>
 * words          the table of codes; where embeddings are tied, that is the head too
 * positions      the table of positions
 * embeddings     both
 * classes        the table of classes
 * conditioning   the projections of the class to shifts, scales and gates, in the blocks and outside
 * blocks         all blocks: norms, mixers, MLPs and what conditions them
 * blocks=2-5     those from 2 to 5, from 0; blocks=2 is one
 * head           the head where it is a matrix of its own
 * </pre>
 *
 * The final norms are frozen with nothing: they are few and cheap.
 */
public final class AimFreeze implements Params.Freeze {
    private static final String KNOWN =
            "words, positions, embeddings, classes, conditioning, blocks, blocks=FROM-TO, head";
    private static final Pattern BLOCKS = Pattern.compile("blocks(?:=(\\d{1,6})(?:-(\\d{1,6}))?)?");

    private final Set<AimRole> roles = EnumSet.noneOf(AimRole.class);
    private final BitSet blocks = new BitSet();

    /**
     * @param names of parts, in any order
     * @param config of the model
     * @throws IllegalArgumentException if the model has no such part, naming those there are
     */
    public AimFreeze(List<String> names, AimConfig config) {
        for (String name : names) {
            Matcher m = BLOCKS.matcher(name);
            if (m.matches()) {
                int from = m.group(1) == null ? 0 : Integer.parseInt(m.group(1));
                int to = m.group(1) == null ? config.nLayer() - 1
                        : m.group(2) == null ? from : Integer.parseInt(m.group(2));
                if (from > to || to >= config.nLayer()) {
                    throw new IllegalArgumentException("freeze: " + name + " (expected blocks from 0 to "
                            + (config.nLayer() - 1) + ", the lower first)");
                }
                blocks.set(from, to + 1);
            } else {
                roles.addAll(roles(name, config));
            }
        }
    }

    private static Set<AimRole> roles(String name, AimConfig config) {
        return switch (name) {
            case "words" -> EnumSet.of(AimRole.WORDS);
            case "positions" -> EnumSet.of(AimRole.POSITIONS);
            case "embeddings" -> EnumSet.of(AimRole.WORDS, AimRole.POSITIONS);
            case "classes" -> EnumSet.of(AimRole.CLASSES);
            case "conditioning" -> EnumSet.of(AimRole.CONDITIONING);
            case "head" -> {
                if (config.tieEmbeddings()) {
                    throw new IllegalArgumentException(
                            "freeze: head is tied to the table of codes in this model (expected words for both)");
                }
                yield EnumSet.of(AimRole.HEAD);
            }
            default -> throw new IllegalArgumentException(
                    "freeze: " + name + " (expected parts of a sequence model: " + KNOWN + ")");
        };
    }

    /** Whether the table of classes is frozen. */
    public boolean holdsClasses() {
        return roles.contains(AimRole.CLASSES);
    }

    @Override
    public boolean holds(String name, Params.Role role) {
        int block = AimModel.block(name);
        return role instanceof AimRole r && roles.contains(r) || block >= 0 && blocks.get(block);
    }
}
