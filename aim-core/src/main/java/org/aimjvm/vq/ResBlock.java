package org.aimjvm.vq;

import org.aimjvm.nn.Conv2d;
import org.aimjvm.nn.GroupNorm;
import org.aimjvm.nn.Params;
import org.aimjvm.tensor.Tensor;

/**
 * {@code x' + conv2(silu(norm2(conv1(silu(norm1(x))))))}; x' is x, through a 1x1 convolution if the channels change.
 */
public final class ResBlock {
    private final GroupNorm norm1;
    private final Conv2d conv1;
    private final GroupNorm norm2;
    private final Conv2d conv2;
    private final Conv2d shortcut;

    public ResBlock(Params params, int in, int out, VqConfig config) {
        this.norm1 = new GroupNorm(params.sub("norm1"), in, config.normGroups(), config.normEps());
        this.conv1 = Conv2d.conv3(params.sub("conv1"), in, out);
        this.norm2 = new GroupNorm(params.sub("norm2"), out, config.normGroups(), config.normEps());
        this.conv2 = Conv2d.conv3(params.sub("conv2"), out, out);
        this.shortcut = in == out ? null : Conv2d.conv1(params.sub("nin_shortcut"), in, out);
    }

    /** (batch, in, height, width) to (batch, out, height, width). */
    public Tensor forward(Tensor x) {
        Tensor h = conv1.forward(norm1, x, null);
        return conv2.forward(norm2, h, shortcut == null ? x : shortcut.forward(x));
    }
}
