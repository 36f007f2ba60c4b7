package org.aimjvm.data;

import java.util.List;

/** Pictures of another set, in an order of choice, some maybe several times. */
abstract class ChosenPictures implements PictureSource {
    private final PictureSource all;

    ChosenPictures(PictureSource all) {
        this.all = all;
    }

    /** The picture of the other set that {@code index} stands for. */
    abstract int picture(int index);

    final PictureSource all() {
        return all;
    }

    @Override
    public final int channels() {
        return all.channels();
    }

    @Override
    public final int height() {
        return all.height();
    }

    @Override
    public final int width() {
        return all.width();
    }

    @Override
    public final List<String> classNames() {
        return all.classNames();
    }

    @Override
    public final int label(int index) {
        return all.label(picture(index));
    }
}
