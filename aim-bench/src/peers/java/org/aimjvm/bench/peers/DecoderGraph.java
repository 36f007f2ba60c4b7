package org.aimjvm.bench.peers;

import org.aimjvm.vq.VqConfig;

/** The decoder of a tokenizer, for libraries that know layers but no checkpoint of ours. */
record DecoderGraph<T>(Layers<T> layers, VqConfig config) {

    /** Latents before {@code post_quant_conv} to pixels. */
    T forward(T z) {
        T h = layers.conv(layers.conv(z, "post_quant_conv"), "decoder.conv_in");
        h = res(h, "decoder.mid.0", false);
        h = attention(h, "decoder.mid.1");
        h = res(h, "decoder.mid.2", false);
        int levels = config.chMult().size();
        int channels = config.chMult().getLast();
        for (int j = 0; j < levels; j++) {
            String level = "decoder.conv_blocks." + j + ".";
            int out = config.chMult().get(levels - 1 - j);
            for (int i = 0; i <= config.numResBlocks(); i++) {
                h = res(h, level + "res." + i, channels != out);
                channels = out;
                if (j == 0) {
                    h = attention(h, level + "attn." + i);
                }
            }
            if (j < levels - 1) {
                h = layers.conv(layers.upsample(h), level + "upsample.conv");
            }
        }
        return layers.conv(layers.silu(layers.norm(h, "decoder.norm_out")), "decoder.conv_out");
    }

    private T res(T x, String name, boolean shortcut) {
        T h = layers.conv(layers.silu(layers.norm(x, name + ".norm1")), name + ".conv1");
        h = layers.conv(layers.silu(layers.norm(h, name + ".norm2")), name + ".conv2");
        return layers.add(shortcut ? layers.conv(x, name + ".nin_shortcut") : x, h);
    }

    private T attention(T x, String name) {
        T n = layers.norm(x, name + ".norm");
        T mixed = layers.attend(
                layers.conv(n, name + ".q"), layers.conv(n, name + ".k"), layers.conv(n, name + ".v"));
        return layers.add(x, layers.conv(mixed, name + ".proj_out"));
    }
}
