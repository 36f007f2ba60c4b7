package org.aimjvm.measure;

import java.util.Map;
import org.aimjvm.backend.Shape;
import org.aimjvm.nn.Params;
import org.aimjvm.tensor.Tensor;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;
import org.aimjvm.vq.VqRole;

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
    private static final int F32 = 4;

    /** @param codes rows and columns of codes of the picture */
    public static VqCost of(VqConfig config, int codes) {
        Params params = Params.shapesOnly();
        new VqModel(params, config);
        double encode = 2.0 * codes * codes * config.nEmbed() * config.embedDim();
        double decode = 0;
        long encoderBytes = (long) F32 * config.nEmbed() * config.embedDim();
        long decoderBytes = 0;
        int pixels = config.downsampling() * codes;
        for (Map.Entry<String, Tensor> e : params.all().entrySet()) {
            Shape shape = e.getValue().shape();
            if (shape.rank() != 4) {
                continue;
            }
            VqRole role = (VqRole) params.role(e.getKey());
            double side = pixels >> role.halvings();
            double flops = 2.0 * shape.size() * side * side;
            if (role.endsAttention()) { // its scores and the mixing
                flops += 4.0 * Math.pow(side, 4) * shape.dim(0);
            }
            if (role.part().encodes()) {
                encode += flops;
                encoderBytes += (long) F32 * shape.size();
            } else {
                decode += flops;
                decoderBytes += (long) F32 * shape.size();
            }
        }
        return new VqCost(encode, decode, encoderBytes, decoderBytes);
    }
}
