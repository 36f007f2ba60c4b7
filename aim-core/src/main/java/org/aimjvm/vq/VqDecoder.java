package org.aimjvm.vq;

import java.util.ArrayList;
import java.util.List;
import org.aimjvm.nn.Conv2d;
import org.aimjvm.nn.GroupNorm;
import org.aimjvm.nn.Params;
import org.aimjvm.nn.Trace;
import org.aimjvm.tensor.Tensor;

/** The tokenizer's decoder: latents to pixels, doubling the sides at every level but the last. */
final class VqDecoder {
    /** One level, lowest resolution first: residual blocks, attention after each on the first, upsampling but on the last. */
    private record Level(List<ResBlock> res, List<AttnBlock> attn, Conv2d upsample) {}

    private final Conv2d convIn;
    private final ResBlock mid0;
    private final AttnBlock mid1;
    private final ResBlock mid2;
    private final List<Level> levels = new ArrayList<>();
    private final GroupNorm normOut;
    private final Conv2d convOut;

    VqDecoder(Params params, VqConfig config) {
        int depth = config.levels() - 1;
        int channels = config.channels(depth);
        Params start = params.as(VqRole.decoder(depth));
        this.convIn = Conv2d.conv3(start.sub("conv_in"), config.zChannels(), channels);
        this.mid0 = new ResBlock(start.sub("mid.0"), channels, channels, config);
        this.mid1 = new AttnBlock(start.sub("mid.1"), channels, config);
        this.mid2 = new ResBlock(start.sub("mid.2"), channels, channels, config);
        for (int j = 0; j < config.levels(); j++) {
            int out = config.channels(depth - j);
            Params p = params.sub("conv_blocks", j).as(VqRole.decoder(depth - j));
            List<ResBlock> res = new ArrayList<>();
            List<AttnBlock> attn = new ArrayList<>();
            for (int i = 0; i <= config.numResBlocks(); i++) {
                res.add(new ResBlock(p.sub("res", i), channels, out, config));
                channels = out;
                if (j == 0) {
                    attn.add(new AttnBlock(p.sub("attn", i), channels, config));
                }
            }
            Params up = p.sub("upsample.conv").as(VqRole.decoder(depth - j - 1));
            levels.add(new Level(res, attn, j == depth ? null : Conv2d.conv3(up, channels, channels)));
        }
        Params end = params.as(VqRole.decoder(0));
        this.normOut = new GroupNorm(end.sub("norm_out"), channels, config.normGroups(), config.normEps());
        this.convOut = Conv2d.conv3(end.sub("conv_out"), channels, config.outChannels());
    }

    /** The last convolution's weight, where adaptive adversarial weights are measured. */
    Tensor lastWeight() {
        return convOut.weight();
    }

    /** (batch, zChannels, h, w) to (batch, outChannels, f h, f w). */
    Tensor forward(Tensor z, Trace trace) {
        Tensor h = convIn.forward(z);
        trace.see("dec_conv_in", h);
        h = Chain.step(h, mid0::forward);
        trace.see("dec_mid0", h);
        h = Chain.step(h, mid1::forward);
        trace.see("dec_mid1", h);
        h = Chain.step(h, mid2::forward);
        trace.see("dec_mid2", h);
        for (int l = 0; l < levels.size(); l++) {
            Level level = levels.get(l);
            for (int j = 0; j < level.res.size(); j++) {
                h = Chain.step(h, level.res.get(j)::forward);
                trace.see("dec_blocks" + l + "_res" + j, h);
                if (!level.attn.isEmpty()) {
                    h = Chain.step(h, level.attn.get(j)::forward);
                    trace.see("dec_blocks" + l + "_attn" + j, h);
                }
            }
            if (level.upsample != null) {
                h = Chain.step(h, level.upsample::forwardUpsampled);
                trace.see("dec_blocks" + l + "_upsample", h);
            }
        }
        if (trace != Trace.OFF) {
            trace.see("dec_norm_out", normOut.forward(h)); // fused with silu below
        }
        h = Chain.step(h, x -> convOut.forward(normOut, x, null));
        trace.see("dec_out", h);
        return h;
    }
}
