/** How good generated pictures are; start at {@link org.aimjvm.eval}. */
module org.aimjvm.eval {
    requires transitive org.aimjvm.core;
    requires commons.math3;

    exports org.aimjvm.eval;
}
