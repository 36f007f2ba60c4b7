package org.aimjvm.op.index;

import java.util.Arrays;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Shape;
import org.aimjvm.op.Shapes;
import org.aimjvm.tensor.Autograd;
import org.aimjvm.tensor.Tensor;

/** Rows of a table by id. */
public final class EmbeddingOp {
    private EmbeddingOp() {}

    /**
     * {@code y[i] = table[ids[i]]}.
     *
     * @param table (vocab, dim)
     * @param ids I32 of any shape, each in [0, vocab)
     * @return (ids..., dim)
     */
    public static Tensor embedding(Tensor table, Tensor ids) {
        Shapes.expectRank("embedding", "table", table, 2);
        Shapes.expectInts("embedding", "ids", ids);
        Backend backend = table.backend();
        int vocab = table.dim(0);
        int dim = table.dim(1);
        int[] dims = Arrays.copyOf(ids.shape().toArray(), ids.shape().rank() + 1);
        dims[dims.length - 1] = dim;
        Tensor y = Tensor.empty(backend, Shape.of(dims));
        backend.index().embedding(y.storage(), table.storage(), ids.storage(), ids.size(), vocab, dim);
        return Autograd.tape(
                y,
                dY -> {
                    Tensor dTable = Tensor.empty(backend, table.shape());
                    backend.index()
                            .embeddingBackward(dTable.storage(), dY.storage(), ids.storage(), ids.size(), vocab, dim);
                    return new Tensor[] {dTable};
                },
                table);
    }
}
