package org.aimjvm.checkpoint;

import org.aimjvm.backend.Backend;
import org.aimjvm.io.CheckpointException;
import org.aimjvm.io.TensorSource;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.PositionRule;
import org.aimjvm.nn.Params;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;

/** Models that are read to be trained further, with parts of them frozen or with other classes. */
public final class FineTuning {
    private FineTuning() {}

    /**
     * Reads a tokenizer.
     *
     * @param as its configuration, in which only weights of losses may differ from the folder's
     * @param freeze what is not to be trained, see {@link org.aimjvm.vq.VqFreeze}
     * @throws CheckpointException if there is none, or its tensors do not fit the configuration
     */
    public static VqModel tokenizer(ModelFolder folder, Backend backend, VqConfig as, Params.Freeze freeze) {
        if (!folder.hasTokenizer()) {
            throw new CheckpointException(folder.path(), null, "no tokenizer (expected tensors vqvae.*)");
        }
        folder.checkShapes();
        Params params = Params.from(backend, folder.tokenizerTensors(), p -> new VqModel(p.sub(VqModel.NAME), as));
        return new VqModel(params.freezing(freeze).sub(VqModel.NAME), as);
    }

    /**
     * Reads a sequence model.
     *
     * @param as its configuration, in which only dropout and the number of classes may differ from the folder's
     * @param positions rule to train under
     * @param classes rows of the class table, as many as {@code as} has classes
     * @param seed of the rows that start anew: they are those of a new model of this seed
     * @param freeze what is not to be trained, see {@link org.aimjvm.model.AimFreeze}
     * @throws CheckpointException if there is none, or its tensors do not fit the configuration
     * @throws IllegalArgumentException if the number of rows is not that of the classes
     */
    public static AimModel model(
            ModelFolder folder, Backend backend, AimConfig as, PositionRule positions, ClassRows classes, long seed,
            Params.Freeze freeze) {
        if (!folder.hasModel()) {
            throw new CheckpointException(folder.path(), null, "no sequence model (expected tensors mamba.*)");
        }
        if (classes.rows().size() != as.numClasses()) {
            throw new IllegalArgumentException("classes: rows for " + classes.rows().size() + " (expected num_classes "
                    + as.numClasses() + ")");
        }
        folder.check();
        Params fresh = Params.listing(seed);
        new AimModel(fresh.sub(AimModel.NAME), as, positions);
        TensorSource tensors = classes.of(folder.modelTensors(), fresh.initialValues(AimModel.CLASS_TABLE));
        Params params = Params.from(backend, tensors, p -> new AimModel(p.sub(AimModel.NAME), as, positions));
        return new AimModel(params.freezing(freeze).sub(AimModel.NAME), as, positions);
    }
}
