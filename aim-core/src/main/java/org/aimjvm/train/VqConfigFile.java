package org.aimjvm.train;

import org.aimjvm.vq.VqConfig;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Writes the tokenizer's configuration. */
final class VqConfigFile {
    private VqConfigFile() {}

    /** A flat object, keys sorted. */
    static String toJson(VqConfig c) {
        JsonMapper mapper = JsonMapper.shared();
        ObjectNode n = mapper.createObjectNode();
        n.put("ch", c.ch());
        ArrayNode multipliers = n.putArray("ch_mult");
        c.chMult().forEach(multipliers::add);
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
