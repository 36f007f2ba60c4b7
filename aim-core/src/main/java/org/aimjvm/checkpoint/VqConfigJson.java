package org.aimjvm.checkpoint;

import java.nio.file.Path;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.JsonObject;
import org.aimjvm.vq.VqConfig;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code vq_config.json} beside a checkpoint whose tokenizer is not VQ-f16. Missing keys take the values of VQ-f16. */
public final class VqConfigJson {
    private VqConfigJson() {}

    /**
     * Parses a configuration.
     *
     * @param where the file, for messages
     * @throws CheckpointException if it is not JSON or a value has the wrong type or range
     */
    public static VqConfig parse(String json, Path where) {
        JsonObject n = JsonObject.parse(json, where);
        VqConfig d = VqConfig.f16();
        try {
            return d.toBuilder()
                    .ch(n.integer("ch", d.ch()))
                    .chMult(n.integers("ch_mult", d.chMult()))
                    .numResBlocks(n.integer("num_res_blocks", d.numResBlocks()))
                    .zChannels(n.integer("z_channels", d.zChannels()))
                    .nEmbed(n.integer("n_embed", d.nEmbed()))
                    .embedDim(n.integer("embed_dim", d.embedDim()))
                    .channels(n.integer("in_channels", d.inChannels()), n.integer("out_channels", d.outChannels()))
                    .normGroups(n.integer("norm_groups", d.normGroups()))
                    .normEps(n.floatNumber("norm_eps", d.normEps()))
                    .l2Norm(n.bool("codebook_l2_norm", d.l2Norm()))
                    .commitBeta(n.floatNumber("commit_beta", d.commitBeta()))
                    .entropyLossRatio(n.floatNumber("entropy_loss_ratio", d.entropyLossRatio()))
                    .build();
        } catch (IllegalArgumentException e) {
            throw new CheckpointException(where, null, e.getMessage(), e);
        }
    }

    /** The configuration as JSON, keys sorted. */
    public static String toJson(VqConfig c) {
        JsonMapper mapper = new JsonMapper();
        ObjectNode n = mapper.createObjectNode();
        n.put("ch", c.ch());
        ArrayNode mult = n.putArray("ch_mult");
        for (int m : c.chMult()) {
            mult.add(m);
        }
        n.put("codebook_l2_norm", c.l2Norm());
        n.put("commit_beta", c.commitBeta());
        n.put("embed_dim", c.embedDim());
        n.put("entropy_loss_ratio", c.entropyLossRatio());
        n.put("in_channels", c.inChannels());
        n.put("n_embed", c.nEmbed());
        n.put("norm_eps", c.normEps());
        n.put("norm_groups", c.normGroups());
        n.put("num_res_blocks", c.numResBlocks());
        n.put("out_channels", c.outChannels());
        n.put("z_channels", c.zChannels());
        return mapper.writerWithDefaultPrettyPrinter().writeValueAsString(n) + "\n";
    }
}
