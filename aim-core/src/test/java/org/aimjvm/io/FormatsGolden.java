package org.aimjvm.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Path;
import java.util.List;
import org.aimjvm.backend.DType;

/** The golden case {@code checkpoint-formats}: the same sixteen tensors in several containers. */
final class FormatsGolden {
    static final List<String> FLOATS =
            List.of("f32", "bf16", "f16", "f64", "bf16_special", "f16_special", "scalar", "empty", "base",
                    "view_transposed", "view_slice", "parameter");
    static final List<String> INTEGERS = List.of("i64", "i32", "u8", "bool");

    private FormatsGolden() {}

    static Path file(String name) {
        URL url = FormatsGolden.class.getResource("/golden/checkpoint-formats/" + name);
        assertThat(url).as(name).isNotNull();
        try {
            return Path.of(url.toURI());
        } catch (URISyntaxException e) {
            return fail(name, e);
        }
    }

    static Npy expected(String tensor) {
        return Npy.read(file("expected_" + tensor + ".npy"));
    }

    /** Every tensor has the expected shape, stored type and, bit for bit, values. */
    static void assertIsVariants(TensorSource source) {
        assertThat(source.names()).hasSize(16).containsAll(FLOATS).containsAll(INTEGERS);
        for (String name : FLOATS) {
            Npy expected = expected(name);
            assertThat(source.info(name).shape()).as(name).isEqualTo(expected.shape());
            assertThat(source.readFloats(name)).as(name).isEqualTo(expected.floats());
        }
        for (String name : INTEGERS) {
            Npy expected = expected(name);
            assertThat(source.info(name).shape()).as(name).isEqualTo(expected.shape());
            assertThat(source.info(name).dtype()).as(name).isEqualTo(expected.dtype());
            assertThat(source.readLongs(name)).as(name).isEqualTo(expected.longs());
            assertThat(source.readFloats(name)).as(name).isEqualTo(expected.floats());
        }
        for (String name : List.of("i32", "u8", "bool")) {
            assertThat(source.readInts(name)).as(name).isEqualTo(expected(name).ints());
        }
        assertThat(source.info("bf16").dtype()).isEqualTo(DType.BF16);
        assertThat(source.info("f16_special").dtype()).isEqualTo(DType.F16);
        assertThat(source.info("f64").dtype()).isEqualTo(DType.F64);
        assertThat(source.info("parameter").dtype()).isEqualTo(DType.F32);
    }
}
