/**
 * AiM for the JVM: class-conditional image generation with Mamba-2, in plain Java. From the outside in:
 *
 * <ol>
 * <li><b>Facade</b>, all that most users need: {@link org.aimjvm} ({@link org.aimjvm.AiM} loads a model and makes
 * pictures).
 * <li><b>Use and train</b>: {@link org.aimjvm.checkpoint} (a model's files), {@link org.aimjvm.data} (pictures and
 * codes to learn from), {@link org.aimjvm.train} (the training loop), {@link org.aimjvm.feature} (nets that judge
 * pictures), {@link org.aimjvm.verify} and {@link org.aimjvm.measure} (is this machine right, and how fast is it).
 * <li><b>Research</b>, what models are made of: {@link org.aimjvm.tensor}, the operations {@link org.aimjvm.op} and its
 * families, {@link org.aimjvm.nn}, {@link org.aimjvm.optim}, {@link org.aimjvm.ssm}, {@link org.aimjvm.vq}, {@link
 * org.aimjvm.model}, {@link org.aimjvm.sample}, {@link org.aimjvm.io}.
 * <li><b>Device SPI</b>: {@link org.aimjvm.backend}, for those who bring a backend of their own.
 * </ol>
 *
 * <p>The CPU backends are not exported. Start java with {@code --add-modules=jdk.incubator.vector} for the one that
 * uses SIMD; without that module everything runs, in plain loops.
 */
module org.aimjvm.core {
    requires static jdk.incubator.vector;
    requires transitive java.desktop;
    requires java.management;
    requires jdk.management;
    requires tools.jackson.databind;

    exports org.aimjvm;

    exports org.aimjvm.checkpoint;
    exports org.aimjvm.data;
    exports org.aimjvm.feature;
    exports org.aimjvm.measure;
    exports org.aimjvm.train;
    exports org.aimjvm.verify;

    exports org.aimjvm.io;
    exports org.aimjvm.model;
    exports org.aimjvm.nn;
    exports org.aimjvm.op;
    exports org.aimjvm.op.conv;
    exports org.aimjvm.op.elementwise;
    exports org.aimjvm.op.gemm;
    exports org.aimjvm.op.index;
    exports org.aimjvm.op.norm;
    exports org.aimjvm.op.picture;
    exports org.aimjvm.op.softmax;
    exports org.aimjvm.op.ssm;
    exports org.aimjvm.optim;
    exports org.aimjvm.sample;
    exports org.aimjvm.ssm;
    exports org.aimjvm.tensor;
    exports org.aimjvm.vq;

    exports org.aimjvm.backend;

    opens org.aimjvm.train to tools.jackson.databind; // the state of a run is written and read as records

    uses org.aimjvm.backend.BackendProvider;

    provides org.aimjvm.backend.BackendProvider
            with org.aimjvm.cpu.ScalarBackendProvider, org.aimjvm.cpu.VectorBackendProvider;
}
