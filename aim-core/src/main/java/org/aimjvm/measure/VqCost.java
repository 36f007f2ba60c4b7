package org.aimjvm.measure;

import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.aimjvm.backend.Shape;
import org.aimjvm.nn.Params;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;

/**
 * Operations a tokenizer takes for one picture, convolutions counted directly ({@code 2 k^2 in out} a pixel), whatever algorithm
 * computes them.
 *
 * @param encode of pixels to codes, the search of the codebook included
 * @param decode of codes to pixels
 * @param encoderBytes F32 weights that encoding reads, the codebook with them
 * @param decoderBytes F32 weights that decoding reads
 */
public record VqCost(double encode, double decode, long encoderBytes, long decoderBytes) {
    private static final Pattern BLOCK = Pattern.compile("conv_blocks\\.(\\d+)\\.(.*)");

    /** @param codes rows and columns of codes of the picture */
    public static VqCost of(VqConfig config, int codes) {
        Params params = Params.shapesOnly();
        new VqModel(params, config);
        double encode = 2.0 * codes * codes * config.nEmbed() * config.embedDim();
        double decode = 0;
        long encoderBytes = 4L * config.nEmbed() * config.embedDim();
        long decoderBytes = 0;
        for (Map.Entry<String, Tensor> e : params.all().entrySet()) {
            String name = e.getKey();
            Shape shape = e.getValue().shape();
            if (shape.rank() != 4) {
                continue;
            }
            boolean encoder = name.startsWith("encoder.") || name.startsWith("quant_conv");
            int top = config.downsampling() * codes;
            double side = encoder ? encoderSide(name, top, codes) : decoderSide(name, top, codes);
            double flops = 2.0 * shape.size() * side * side;
            if (name.endsWith("proj_out.weight")) { // scores and mixing of the attention it ends
                flops += 4.0 * Math.pow(side, 4) * shape.dim(0);
            }
            if (encoder) {
                encode += flops;
                encoderBytes += 4L * shape.size();
            } else {
                decode += flops;
                decoderBytes += 4L * shape.size();
            }
        }
        return new VqCost(encode, decode, encoderBytes, decoderBytes);
    }

    /** Side of what a convolution of the encoder writes. */
    private static double encoderSide(String name, int pixels, int codes) {
        Matcher m = BLOCK.matcher(name);
        if (m.find()) {
            int level = Integer.parseInt(m.group(1));
            return pixels >> (m.group(2).startsWith("downsample") ? level + 1 : level);
        }
        return name.startsWith("encoder.conv_in") ? pixels : codes;
    }

    /** Side of what a convolution of the decoder writes. */
    private static double decoderSide(String name, int pixels, int codes) {
        Matcher m = BLOCK.matcher(name);
        if (m.find()) {
            int level = Integer.parseInt(m.group(1));
            return codes << (m.group(2).startsWith("upsample") ? level + 1 : level);
        }
        return name.startsWith("decoder.conv_out") ? pixels : codes;
    }
}
