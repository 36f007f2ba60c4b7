package org.aimjvm.verify;

import java.util.ArrayList;
import java.util.List;

/**
 * Every operation at awkward sizes (1, odd, prime, one past a vector, a tile or a chunk), and the operations of the
 * published models at their widths. A line here is tested on every backend, has its gradient checked, and is a row of
 * the benchmarks.
 */
public final class OpCases {
    private OpCases() {}

    /** All operations at awkward sizes, by family; small enough for finite differences. */
    public static List<OpCase> all() {
        List<OpCase> all = new ArrayList<>();
        all.addAll(ElementwiseCases.cases());
        all.addAll(GemmCases.cases());
        all.addAll(ConvCases.cases());
        all.addAll(PictureCases.cases());
        all.addAll(NormCases.cases());
        all.addAll(SoftmaxCases.cases());
        all.addAll(SsmCases.cases());
        return all;
    }

    /** Operations at the widths of AiM-B, AiM-L, AiM-XL and of VQ-f16; minutes on the scalar backend. */
    public static List<OpCase> ofModels() {
        return ModelCases.cases();
    }
}
