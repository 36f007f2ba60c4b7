package org.aimjvm.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import org.aimjvm.tensor.Backend;
import org.aimjvm.tensor.Backends;
import org.aimjvm.tensor.DType;
import org.aimjvm.tensor.Storage;
import org.junit.jupiter.api.Test;

class EmulatorTest {
    @Test
    void adds() {
        Backend b = Backends.open("cuda", 1);
        System.out.println(b.description());
        float[] x = new float[3001];
        for (int i = 0; i < x.length; i++) x[i] = i;
        Storage s = b.allocate(DType.F32, x.length);
        Storage y = b.allocate(DType.F32, x.length);
        b.write(s, 0, x, 0, x.length);
        b.elementwise().add(y, s, s, x.length);
        float[] z = new float[3001];
        b.read(y, 0, z, 0, z.length);
        assertThat(z[3000]).isEqualTo(6000f);
        assertThat(b.elementwise().sum(y, 3001)).isEqualTo(3000.0 * 3001);
    }
}
