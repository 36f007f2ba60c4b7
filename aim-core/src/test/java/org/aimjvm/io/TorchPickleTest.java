package org.aimjvm.io;

import static org.aimjvm.io.PickleBytes.NO_HOOKS;
import static org.aimjvm.io.PickleBytes.PATH;
import static org.aimjvm.io.PickleBytes.dict;
import static org.aimjvm.io.PickleBytes.i64;
import static org.aimjvm.io.PickleBytes.longs;
import static org.aimjvm.io.PickleBytes.pickle;
import static org.aimjvm.io.PickleBytes.read;
import static org.aimjvm.io.PickleBytes.storage;
import static org.aimjvm.io.PickleBytes.tensor;
import static org.aimjvm.io.PickleBytes.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.Map;
import org.aimjvm.backend.DType;
import org.aimjvm.backend.Shape;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TorchPickleTest {
    private static final Map<String, byte[]> SIX = Map.of("0", floats(0, 1, 2, 3, 4, 5));
    private static final String SIX_FLOATS = storage("FloatStorage", "0", 6);

    private static byte[] floats(float... x) {
        ByteBuffer b = ByteBuffer.allocate(4 * x.length).order(ByteOrder.LITTLE_ENDIAN);
        b.asFloatBuffer().put(x);
        return b.array();
    }

    private static void assertRefused(ThrowingCallable open, String... parts) {
        assertThatThrownBy(open).isInstanceOfSatisfying(CheckpointException.class, e -> {
            assertThat(e.getMessage()).startsWith("some.pt: ");
            for (String part : parts) {
                assertThat(e.getMessage()).contains(part);
            }
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"variants_zip.pt", "variants_zip_newer.pt", "variants_legacy.pt"})
    void readsEveryTypeAndViewOfTheGoldenFiles(String name) {
        try (TorchPickle file = TorchPickle.open(FormatsGolden.file(name))) {
            FormatsGolden.assertIsVariants(file);
            assertThat(file.wrappers()).isEmpty();
        }
    }

    @Test
    void tellsWrappersAndReadsWhatLiesBesideTheTensors() {
        try (TorchPickle file = TorchPickle.open(FormatsGolden.file("vq_wrapped_zip.pt"));
                TorchPickle plain = TorchPickle.open(FormatsGolden.file("plain_state_dict_zip.pt"));
                TorchPickle legacy = TorchPickle.open(FormatsGolden.file("vq_wrapped_legacy.pt"))) {
            assertThat(file.wrappers()).containsExactly("model", "optimizer");
            assertThat(file.metadata())
                    .containsEntry("steps", "1234")
                    .containsEntry("args.vq_model", "VQ-16")
                    .containsEntry("args.image_size", "256")
                    .containsEntry("args.ema", "false")
                    .containsEntry("optimizer.param_groups.0.lr", "1.0E-4");
            assertThat(file.names()).contains("model.encoder.conv_in.weight");

            TensorSource model = file.sub("model.");
            assertThat(plain.wrappers()).isEmpty();
            assertThat(plain.names()).hasSize(5).isSubsetOf(model.names());
            plain.names().forEach(name -> assertThat(model.readFloats(name)).isEqualTo(plain.readFloats(name)));

            assertThat(legacy.wrappers()).containsExactly("model");
            assertThat(legacy.sub("model.").names()).hasSize(11).isSubsetOf(model.names());
            legacy.sub("model.").names().forEach(name -> {
                assertThat(legacy.readFloats("model." + name)).isEqualTo(model.readFloats(name));
                assertThat(legacy.info("model." + name).shape()).isEqualTo(model.info(name).shape());
            });
        }
    }

    @Test
    void tensorsEqualThoseOfTheWholeModel() {
        try (TensorSource whole = SafeTensors.open(FormatsGolden.file("../e2e/model.safetensors"));
                TensorSource tokenizer = TorchPickle.open(FormatsGolden.file("vq_wrapped_zip.pt")).sub("model.");
                TensorSource sequence = TorchPickle.open(FormatsGolden.file("pytorch_model_tied_zip.bin"))
                        .select(name -> !name.equals("lm_head.weight"));
                TensorSource both = TensorSource.merge(sequence.withPrefix("mamba."), tokenizer.withPrefix("vqvae."))) {
            assertThat(both.names())
                    .containsExactlyInAnyOrderElementsOf(
                            whole.select(n -> !n.equals("vqvae.quantize.codebook_used")).names());
            for (String name : both.names()) {
                assertThat(both.info(name)).isEqualTo(whole.info(name));
                assertThat(both.readFloats(name)).as(name).isEqualTo(whole.readFloats(name));
            }
        }
    }

    @Test
    void otherViewsOfAStorageAreNotTied() {
        try (TorchPickle file = TorchPickle.open(FormatsGolden.file("variants_zip.pt"))) {
            assertThat(file.names()).contains("base", "view_transposed", "view_slice");
            assertThat(file.tied()).isEmpty();
        }
    }

    @Test
    void tiedTensorsComeUnderBothNames() {
        try (TorchPickle file = TorchPickle.open(FormatsGolden.file("pytorch_model_tied_zip.bin"))) {
            String embedding = "backbone.embeddings.word_embeddings.weight";
            assertThat(file.readFloats("lm_head.weight")).isEqualTo(file.readFloats(embedding));
            assertThat(file.info("lm_head.weight")).isEqualTo(file.info(embedding).named("lm_head.weight"));
            assertThat(file.tied()).isEqualTo(Map.of("lm_head.weight", embedding));
        }
    }

    @Test
    void viewsComeOutInRowMajorOrder() {
        long[][][] views = {
            // dims, strides, {offset}, expected
            {{2, 3}, {3, 1}, {0}, {0, 1, 2, 3, 4, 5}},
            {{3, 2}, {1, 3}, {0}, {0, 3, 1, 4, 2, 5}},
            {{2, 2}, {3, 1}, {1}, {1, 2, 4, 5}},
            {{2, 1, 3}, {0, 99, 2}, {1}, {1, 3, 5, 1, 3, 5}},
            {{1, 3}, {77, 1}, {3}, {3, 4, 5}},
            {{}, {}, {5}, {5}},
            {{0, 7}, {7, 1}, {0}, {}},
            {{2, 3, 2}, {0, 1, 3}, {0}, {0, 3, 1, 4, 2, 5, 0, 3, 1, 4, 2, 5}},
        };
        for (long[][] v : views) {
            try (TorchPickle file = read(dict("x", tensor(SIX_FLOATS, v[2][0], v[0], v[1])), SIX)) {
                float[] expected = new float[v[3].length];
                for (int i = 0; i < expected.length; i++) {
                    expected[i] = v[3][i];
                }
                assertThat(file.readFloats("x")).as(Arrays.deepToString(v)).isEqualTo(expected);
                assertThat(file.info("x").shape().rank()).isEqualTo(v[0].length);
            }
        }
    }

    @Test
    void narrowAndWideElementsAreGatheredToo() {
        Map<String, DType> types = Map.of(
                "CharStorage", DType.I8, "ShortStorage", DType.I16, "IntStorage", DType.I32, "LongStorage", DType.I64);
        types.forEach((type, dtype) -> {
            ByteBuffer data = ByteBuffer.allocate(4 * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < 4; i++) {
                data.put(i * dtype.bytes(), (byte) (i + 1));
            }
            String transposed = tensor(storage(type, "0", 4), 0, new long[] {2, 2}, new long[] {1, 2});
            try (TorchPickle file = read(dict("x", transposed), Map.of("0", data.array()))) {
                assertThat(file.info("x").dtype()).isEqualTo(dtype);
                assertThat(file.readInts("x")).as(type).containsExactly(1, 3, 2, 4);
            }
        });
    }

    @Test
    void deflatedEntriesAreRead() {
        String opcodes = dict("x", tensor(SIX_FLOATS, 0, new long[] {6}, new long[] {1}));
        byte[] zip = PickleBytes.zip(pickle(opcodes), SIX, false);
        try (TorchPickle file = TorchPickle.of(PATH, MemorySegment.ofArray(zip))) {
            assertThat(file.readFloats("x")).containsExactly(0, 1, 2, 3, 4, 5);
        }
    }

    @Test
    void listsBareTensorsAndNumberedKeysGetNames() {
        String t = tensor(SIX_FLOATS, 0, new long[] {6}, new long[] {1});
        try (TorchPickle file = read(t, SIX)) {
            assertThat(file.names()).containsExactly("tensor");
        }
        try (TorchPickle file = read("](" + t + "}K\u0007" + t + "se", SIX)) {
            assertThat(file.names()).containsExactly("0", "1.7");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "cos\nsystem\n", // GLOBAL
                "cos\nsystem\n(X\u0004\u0000\u0000\u0000truetR", // and REDUCE
                "(X\u0004\u0000\u0000\u0000trueios\nsystem\n", // INST
                "\u008c\u0002os\u008c\u0006system\u0093", // STACK_GLOBAL
                "}X\u0001\u0000\u0000\u0000acos\nsystem\ns"
            })
    void aPickleThatCallsASystemCommandIsRefusedByName(String opcodes) {
        assertRefused(() -> read(opcodes, Map.of()), "os.system", "nothing was run");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "cbuiltins\neval\n",
                "c__builtin__\ngetattr\n",
                "ctorch\nload\n",
                "ctorch.hub\nload\n",
                "ctorch\nFloatTensor\n",
                "ctorch.storage\n_load_from_bytes\n",
                "ccollections\nOrderedDict.__init__\n",
                "cargparse\nArgumentParser\n",
                "cnumpy.core.multiarray\n_reconstruct\n",
                "c\n\n"
            })
    void aFileOfOtherObjectsAloneIsRefused(String global) {
        assertRefused(() -> read(global, Map.of()), "no tensors outside of objects of", "nothing was run");
    }

    /** Each stands beside a tensor: a call, a number, a path, an object with state and items, none of which is made. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "cos\nsystem\n(X\u0004\u0000\u0000\u0000truetR",
                "cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(X\u0002\u0000\u0000\u0000f8tRC\u0002ab\u0086tR",
                "cpathlib\nPosixPath\n(X\u0001\u0000\u0000\u0000atR",
                "cmy.program\nConfig\n)\u0081}X\u0001\u0000\u0000\u0000aK\u0001sb",
                "cmy.program\nConfig\n)}\u0092(X\u0001\u0000\u0000\u0000aK\u0001uK\u0002a",
                "cmy.program\nget\n)R)R"
            })
    void objectsBesideTheTensorsAreLeftOut(String object) {
        String t = tensor(SIX_FLOATS, 0, new long[] {6}, new long[] {1});
        try (TorchPickle file = read("}(" + text("x") + t + text("other") + object + "u", SIX)) {
            assertThat(file.names()).containsExactly("x");
            assertThat(file.metadata()).isEmpty();
            assertThat(file.readFloats("x")).containsExactly(0, 1, 2, 3, 4, 5);
            assertThatThrownBy(() -> file.readFloats("other"))
                    .isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("other: an object of ").hasMessageContaining("expected a tensor");
        }
    }

    @Test
    void aTensorInsideAnObjectIsNotLost() {
        String t = tensor(SIX_FLOATS, 0, new long[] {6}, new long[] {1});
        String wrapped = "cmy.program\nQuantized\n(" + t + "K\u0008tR";
        assertRefused(
                () -> read("}(" + text("x") + t + text("w") + wrapped + "u", SIX),
                "w: a tensor inside an object of my.program.Quantized",
                "nothing was run");
        String parameter = "ctorch._utils\n_rebuild_parameter\n(cmy\nmake\n)R\u0089" + NO_HOOKS.substring(1) + "tR";
        assertRefused(() -> read("}" + text("w") + parameter + "s", SIX), "w: a tensor inside an object of my.make");
    }

    @Test
    void tensorsWithAttributesAndOfTheirOwnTypeAreRead() {
        String t = tensor(SIX_FLOATS, 0, new long[] {6}, new long[] {1});
        String attributes = "}" + text("name") + text("n") + "s";
        String typed = "ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\ncmy\nTensor\n("
                + SIX_FLOATS + "K\u0000" + longs(6) + longs(1) + NO_HOOKS + "t" + attributes + "tR";
        try (TorchPickle file = read("}(" + text("x") + t + attributes + "b" + text("y") + typed + "u", SIX)) {
            assertThat(file.names()).containsExactly("x", "y");
            assertThat(file.readFloats("x")).containsExactly(0, 1, 2, 3, 4, 5);
            assertThat(file.readFloats("y")).containsExactly(0, 1, 2, 3, 4, 5);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "", "))", "(", "t", "\u0087", "0", "00", "2", "1", "q\u0000", "h\u0000", "R", "NNR", "N)R", "b",
                "NNb", "}Nb", ")}b", "Q", "NQ", ")Q", "s", "NNNs", "(Nu", "}(Nu", "NNa", "d", "(Nd", "\u0082\u0001",
                "P0\n", "I1\n", "\u0092", "]N]s", "ctorch\nFloatStorage\n)R", "X\u00ff\u00ff\u00ff\u00ff",
                "X\u0001\u0000\u0000\u0000\u00ff", "\u008d\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff",
                "\u008b\u0000\u0000\u0000\u0001", "\u008e\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0001",
                "\u0080\u0006N",
                "ctorch\nSize\n)R", "ctorch\nSize\nN\u0085R", "ctorch._utils\n_rebuild_tensor_v2\n)R",
                "ctorch._utils\n_rebuild_tensor_v2\n(NNNNNNtR", "ctorch._utils\n_rebuild_parameter\n(NNNtR",
                "ccollections\nOrderedDict\nN\u0085R", "ccollections\nOrderedDict\n]Na\u0085R", "ctorch",
                "cargparse\nNamespace\nN\u0085R"
            })
    void malformedPicklesAreRefused(String opcodes) {
        assertRefused(() -> read(opcodes.isEmpty() ? "." : opcodes, Map.of()));
    }

    @Test
    void viewsBeyondTheirStorageAreRefused() {
        long[][][] views = {
            {{7}, {1}, {0}},
            {{6}, {1}, {1}},
            {{2, 3}, {4, 1}, {0}},
            {{1}, {1}, {6}},
            {{1}, {1}, {-1}},
            {{2}, {-1}, {5}},
            {{}, {}, {Long.MAX_VALUE}},
            {{2}, {Long.MAX_VALUE}, {5}},
            {{3}, {1L << 62}, {5}},
            {{2, 2}, {Long.MAX_VALUE, Long.MAX_VALUE}, {0}},
            {{-1}, {1}, {0}},
            {{1L << 32, 0}, {1, 1}, {0}},
            {{1 << 30, 1 << 30, 1 << 30}, {0, 0, 0}, {0}},
            {{1 << 20, 2}, {0, 0}, {0}}, // expanded without end
            {{2}, {1, 1}, {0}},
        };
        for (long[][] v : views) {
            assertRefused(() -> read(dict("x", tensor(SIX_FLOATS, v[2][0], v[0], v[1])), SIX));
        }
        long[] rank = new long[33];
        Arrays.fill(rank, 1);
        assertRefused(() -> read(dict("x", tensor(SIX_FLOATS, 0, rank, rank)), SIX), "rank 33");
    }

    @Test
    void storagesThatLieAboutTheirSizeAreRefused() {
        long[] one = {1};
        for (long size : new long[] {5, 7, -1, Long.MAX_VALUE, Long.MAX_VALUE / 4, 1L << 40}) {
            String lie = storage("FloatStorage", "0", size);
            assertRefused(() -> read(dict("x", tensor(lie, 0, one, one)), SIX));
        }
        assertRefused(() -> read(dict("x", tensor(storage("FloatStorage", "1", 6), 0, one, one)), SIX), "no data");
        String two = "]" + tensor(SIX_FLOATS, 0, one, one) + "a"
                + tensor(storage("IntStorage", "0", 6), 0, one, one) + "a";
        assertRefused(() -> read(two, SIX), "is both 6 F32 and 6 I32");
    }

    @Test
    void containersThatContainThemselvesAreRefused() {
        assertRefused(() -> read("]q\u0000h\u0000a", Map.of()), "containing themselves");
        assertRefused(() -> read("}q\u0000X\u0001\u0000\u0000\u0000ah\u0000s", Map.of()), "containing themselves");
        assertRefused(() -> read(")" + "\u0085".repeat(100_000), Map.of()), "containing themselves");
    }

    @Test
    void containersThatMultiplyAreRefused() {
        StringBuilder laughs = new StringBuilder("]q\u0000");
        for (char i = 0; i < 60; i++) { // 2^60 values in 60 lists
            laughs.append("0](h").append(i).append('h').append(i).append("eq").append((char) (i + 1));
        }
        assertRefused(() -> read(laughs.toString(), Map.of()), "more than 1000000 values");

        String list = "](" + "N".repeat(10_000) + "eq\u0001cbuiltins\nset\nq\u0002";
        String copies = list + "h\u0002h\u0001\u0085R0".repeat(1_000);
        assertRefused(() -> read("(" + copies + "1N", Map.of()), "copies more than");

        String tuple = "(" + "N".repeat(10_000) + "tq\u0001cunknown\nThing\nq\u0002";
        String calls = tuple + "h\u0002h\u0001R0".repeat(1_000);
        assertRefused(() -> read("(" + calls + "1N", Map.of()), "copies more than");

        String tensors = "](" + tensor(SIX_FLOATS, 0, new long[] {6}, new long[] {1}) + "q\u0000"
                + "ctorch._utils\n_rebuild_tensor\nq\u0001(" + SIX_FLOATS + i64(0) + longs(6) + longs(1) + "tq\u0002"
                + "h\u0001h\u0002R0".repeat(200_001) + "e";
        assertRefused(() -> read(tensors, SIX), "more than 200000 tensors");

        assertRefused(() -> read("N0".repeat(2_000_001) + "N", Map.of()), "steps");
    }

    @Test
    void aZipBombIsRefusedBeforeItIsInflated() {
        String opcodes = dict("x", tensor(storage("ByteStorage", "0", 200 << 20), 0, new long[] {1}, new long[] {1}));
        byte[] zip = PickleBytes.zip(pickle(opcodes), Map.of("0", new byte[200 << 20]), false);
        assertThat(zip.length).isLessThan(300_000);
        assertRefused(() -> TorchPickle.of(PATH, MemorySegment.ofArray(zip)), "inflates from");
    }

    @Test
    void everyTruncationIsRefused() throws IOException {
        for (String name : new String[] {"variants_zip.pt", "variants_legacy.pt"}) {
            byte[] whole = Files.readAllBytes(FormatsGolden.file(name));
            for (int n = 0; n < whole.length; n++) {
                byte[] cut = Arrays.copyOf(whole, n);
                assertRefused(() -> TorchPickle.of(PATH, MemorySegment.ofArray(cut)));
            }
            byte[] longer = Arrays.copyOf(whole, whole.length + 1);
            assertRefused(() -> TorchPickle.of(PATH, MemorySegment.ofArray(longer)));
        }
    }

    @Test
    void twoTensorsOfOneNameAreRefused() {
        String t = tensor(SIX_FLOATS, 0, new long[] {6}, new long[] {1});
        String ambiguous = "}(" + text("a.b") + t + text("a") + dict("b", t) + "u";
        assertRefused(() -> read(ambiguous, SIX), "a.b: two tensors have this name");
    }

    @Test
    void readingAfterClosingSaysSo() {
        TorchPickle file = TorchPickle.open(FormatsGolden.file("variants_zip.pt"));
        file.close();
        assertThatThrownBy(() -> file.readFloats("f32")).isInstanceOf(IllegalStateException.class);
        assertThat(file.info("f32").shape()).isEqualTo(Shape.of(3, 4));
    }
}
