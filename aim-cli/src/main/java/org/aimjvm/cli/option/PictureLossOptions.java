package org.aimjvm.cli.option;

import org.aimjvm.backend.Backend;
import org.aimjvm.data.PictureSource;
import org.aimjvm.train.TrainRecipe;
import org.aimjvm.train.VqOptions;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What makes a decoder's picture like the real one: distances and a discriminator; a mixin. */
public final class PictureLossOptions {
    @Option(
            names = "--loss",
            defaultValue = "l2",
            paramLabel = "KIND",
            description = "Distance of pictures: l1 or l2 (default: ${DEFAULT-VALUE}).") private VqOptions.Reconstruction distance;

    @Mixin private PerceptualOptions perceptual;

    @Mixin private DiscriminatorOptions discriminator;

    /** Complains about everything that can be wrong without reading files. */
    public void check() {
        perceptual.check();
        discriminator.check();
    }

    /** Complains about pictures that the discriminator has no room in. */
    public void requireFit(PictureSource pictures) {
        discriminator.requireFit(pictures.height(), pictures.width());
    }

    /** Whether there is a discriminator. */
    public boolean hasDiscriminator() {
        return discriminator.given();
    }

    /** Settings of a run with these losses, their networks read. */
    public VqOptions.Builder of(TrainRecipe recipe, Backend backend) {
        return VqOptions.builder(recipe)
                .reconstruction(distance)
                .perceptual(perceptual.term(backend, recipe.seed()))
                .adversarial(discriminator.options(recipe.optimizer()));
    }
}
