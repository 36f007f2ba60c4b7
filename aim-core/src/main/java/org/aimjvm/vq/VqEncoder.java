package org.aimjvm.vq;

import java.util.ArrayList;
import java.util.List;
import org.aimjvm.nn.Conv2d;
import org.aimjvm.nn.GroupNorm;
import org.aimjvm.nn.Params;
import org.aimjvm.nn.Trace;
import org.aimjvm.tensor.Tensor;

/** The tokenizer's encoder: pixels to latents, halving the sides at every level but the last. */
final class VqEncoder {
    /** One level: residual blocks, attention after each on the last level, downsampling on the others. */
    private record Level(List<ResBlock> res, List<AttnBlock> attn, Conv2d downsample) {}

    private final Conv2d convIn;
    private final List<Level> levels = new ArrayList<>();
    private final ResBlock mid0;
    private final AttnBlock mid1;
    private final ResBlock mid2;
    private final GroupNorm normOut;
    private final Conv2d convOut;

    VqEncoder(Params params, VqConfig config) {
        int depth = config.levels() - 1;
        this.convIn = Conv2d.conv3(params.sub("conv_in").as(VqRole.encoder(0)), config.inChannels(), config.ch());
        int channels = config.ch();
        for (int l = 0; l < config.levels(); l++) {
            boolean last = l == depth;
            Params p = params.sub("conv_blocks", l).as(VqRole.encoder(l));
            List<ResBlock> res = new ArrayList<>();
            List<AttnBlock> attn = new ArrayList<>();
            for (int j = 0; j < config.numResBlocks(); j++) {
                res.add(new ResBlock(p.sub("res", j), channels, config.channels(l), config));
                channels = config.channels(l);
                if (last) {
                    attn.add(new AttnBlock(p.sub("attn", j), channels, config));
                }
            }
            Params down = p.sub("downsample.conv").as(VqRole.encoder(l + 1));
            levels.add(new Level(res, attn, last ? null : Conv2d.halve(down, channels)));
        }
        Params end = params.as(VqRole.encoder(depth));
        this.mid0 = new ResBlock(end.sub("mid.0"), channels, channels, config);
        this.mid1 = new AttnBlock(end.sub("mid.1"), channels, config);
        this.mid2 = new ResBlock(end.sub("mid.2"), channels, channels, config);
        this.normOut = new GroupNorm(end.sub("norm_out"), channels, config.normGroups(), config.normEps());
        this.convOut = Conv2d.conv3(end.sub("conv_out"), channels, config.zChannels());
    }

    /** (batch, inChannels, height, width) to (batch, zChannels, height / f, width / f). */
    Tensor forward(Tensor x, Trace trace) {
        Tensor h = convIn.forward(x);
        trace.see("enc_conv_in", h);
        for (int l = 0; l < levels.size(); l++) {
            Level level = levels.get(l);
            for (int j = 0; j < level.res.size(); j++) {
                h = Chain.step(h, level.res.get(j)::forward);
                trace.see("enc_blocks" + l + "_res" + j, h);
                if (!level.attn.isEmpty()) {
                    h = Chain.step(h, level.attn.get(j)::forward);
                    trace.see("enc_blocks" + l + "_attn" + j, h);
                }
            }
            if (level.downsample != null) {
                h = Chain.step(h, level.downsample::forward);
                trace.see("enc_blocks" + l + "_downsample", h);
            }
        }
        h = Chain.step(h, mid0::forward);
        trace.see("enc_mid0", h);
        h = Chain.step(h, mid1::forward);
        trace.see("enc_mid1", h);
        h = Chain.step(h, mid2::forward);
        trace.see("enc_mid2", h);
        if (trace != Trace.OFF) {
            trace.see("enc_norm_out", normOut.forward(h)); // fused with silu below
        }
        h = Chain.step(h, p -> convOut.forward(normOut, p, null));
        trace.see("enc_out", h);
        return h;
    }
}
