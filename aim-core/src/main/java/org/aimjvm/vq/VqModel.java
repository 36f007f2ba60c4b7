package org.aimjvm.vq;

import org.aimjvm.backend.Backend;
import org.aimjvm.nn.Conv2d;
import org.aimjvm.nn.Params;
import org.aimjvm.nn.Trace;
import org.aimjvm.tensor.Scope;
import org.aimjvm.tensor.Tensor;

/**
 * The VQ tokenizer (LlamaGen's VQGAN, arXiv 2406.06525 section 2.2): pictures to codes and back. Knows nothing of the
 * sequence model.
 */
public final class VqModel {
    /** Before a dot, the start of the names of its tensors in the published checkpoints. */
    public static final String NAME = "vqvae";

    private final Params params;
    private final VqConfig config;
    private final Backend backend;
    private final VqEncoder encoder;
    private final Conv2d quantConv;
    private final Codebook codebook;
    private final Conv2d postQuantConv;
    private final VqDecoder decoder;
    private final boolean encoderFrozen;

    /** @param params gives tensors by the names below {@value #NAME} in the published checkpoints */
    public VqModel(Params params, VqConfig config) {
        this.params = params;
        this.config = config;
        this.backend = params.backend();
        int depth = config.levels() - 1;
        this.encoder = new VqEncoder(params.sub("encoder"), config);
        this.decoder = new VqDecoder(params.sub("decoder"), config);
        this.codebook = new Codebook(params.sub("quantize").as(new VqRole(VqRole.Part.CODEBOOK, depth, false)), config);
        this.quantConv = Conv2d.conv1(
                params.sub("quant_conv").as(new VqRole(VqRole.Part.TO_CODES, depth, false)), config.zChannels(),
                config.embedDim());
        this.postQuantConv = Conv2d.conv1(
                params.sub("post_quant_conv").as(new VqRole(VqRole.Part.FROM_CODES, depth, false)), config.embedDim(),
                config.zChannels());
        this.encoderFrozen = params.trainable().keySet().stream()
                .noneMatch(name -> params.role(name) instanceof VqRole r
                        && (r.part() == VqRole.Part.ENCODER || r.part() == VqRole.Part.TO_CODES));
    }

    public VqConfig config() {
        return config;
    }

    /** The tokenizer's own tensors by their full names, to train, save or count. */
    public Params params() {
        return params;
    }

    public Backend backend() {
        return backend;
    }

    public Codebook codebook() {
        return codebook;
    }

    /** The decoder's last convolution weight, where adaptive adversarial weights are measured. */
    public Tensor lastDecoderWeight() {
        return decoder.lastWeight();
    }

    /** {@link #latents(Tensor, Trace)} without a trace. */
    public Tensor latents(Tensor pixels) {
        return latents(pixels, Trace.OFF);
    }

    /**
     * Latents before quantisation.
     *
     * @param pixels (batch, inChannels, height, width) in [-1, 1]; sides are multiples of
     *     {@link VqConfig#downsampling()}
     * @return (batch, embedDim, height / f, width / f)
     */
    public Tensor latents(Tensor pixels, Trace trace) {
        int f = config.downsampling();
        if (pixels.shape().rank() != 4 || pixels.dim(1) != config.inChannels() || pixels.dim(2) % f != 0
                || pixels.dim(3) % f != 0
                || pixels.size() == 0) {
            throw new IllegalArgumentException("encode: pixels of shape " + pixels.shape() + ", expected (batch, "
                    + config.inChannels() + ", height, width) with sides multiples of " + f);
        }
        if (!encoderFrozen || pixels.needsGrad()) {
            return quantConv.forward(encoder.forward(pixels, trace));
        }
        try (Scope scope = Scope.inference()) { // no gradient comes this way: activations need not be kept for one
            return scope.keep(quantConv.forward(encoder.forward(pixels, trace)));
        }
    }

    /**
     * Codes of pictures.
     *
     * @param pixels as in {@link #latents(Tensor, Trace)}
     * @return I32 (batch * h * w), in (batch, row, column) order
     */
    public Tensor encode(Tensor pixels) {
        return codebook.encode(latents(pixels));
    }

    /**
     * Pictures of codes.
     *
     * @param codes I32 (batch * height * width), each in [0, nEmbed)
     * @param height rows of codes
     * @param width columns of codes
     * @return (batch, outChannels, f height, f width), about [-1, 1], not clamped
     */
    public Tensor decode(Tensor codes, int batch, int height, int width) {
        if (codes.size() != batch * height * width) {
            throw new IllegalArgumentException(
                    "decode: " + codes.size() + " codes, expected " + batch + " x " + height + " x " + width);
        }
        return decodeLatents(codebook.lookup(codes, batch, height, width));
    }

    /** {@link #decodeLatents(Tensor, Trace)} without a trace. */
    public Tensor decodeLatents(Tensor quantized) {
        return decodeLatents(quantized, Trace.OFF);
    }

    /** Pictures of quantised latents (batch, embedDim, h, w). */
    public Tensor decodeLatents(Tensor quantized, Trace trace) {
        Tensor z = postQuantConv.forward(quantized);
        trace.see("post_quant", z);
        return decoder.forward(z, trace);
    }
}
