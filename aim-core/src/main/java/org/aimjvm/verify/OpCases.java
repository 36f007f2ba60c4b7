package org.aimjvm.verify;

import java.util.ArrayList;
import java.util.List;

/** Every operation at awkward and at real sizes: 1, odd, prime, one past a vector, a tile or a chunk. */
public final class OpCases {
    private OpCases() {}

    /** All cases, by family. */
    public static List<OpCase> all() {
        List<OpCase> all = new ArrayList<>();
        all.addAll(ElementwiseCases.cases());
        all.addAll(GemmCases.cases());
        all.addAll(ConvCases.cases());
        all.addAll(NormCases.cases());
        all.addAll(SoftmaxCases.cases());
        all.addAll(SsmCases.cases());
        return all;
    }
}
