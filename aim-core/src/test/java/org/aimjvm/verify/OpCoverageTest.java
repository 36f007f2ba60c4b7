package org.aimjvm.verify;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.reflect.AccessFlag;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Every public operation is called by a case: read from the class files, where overloads are told apart. */
class OpCoverageTest {
    private static final Path CLASSES = Path.of(
            URI.create(OpCases.class.getProtectionDomain().getCodeSource().getLocation().toString()))
            .resolve("org/aimjvm");

    @Test
    void everyOperationHasACase() throws IOException {
        Set<String> operations = new TreeSet<>();
        for (Path file : classes("op", ".*Op\\.class")) {
            ClassModel model = ClassFile.of().parse(file);
            model.methods().stream().filter(OpCoverageTest::isOperation).forEach(
                    m -> operations.add(name(
                            model.thisClass().asInternalName(), m.methodName().stringValue(),
                            m.methodType().stringValue())));
        }
        assertThat(operations).hasSizeGreaterThan(35);
        Set<String> called = new TreeSet<>();
        for (Path file : classes("verify", "[A-Z][a-z]+Cases\\.class")) {
            if (!file.endsWith("ModelCases.class")) { // which run in the profile long only
                called.addAll(calls(file));
            }
        }
        operations.removeAll(called);
        assertThat(operations).as("operations without a case in OpCases").isEmpty();
    }

    @Test
    void anOperationWithoutACaseWouldBeSeen() throws IOException {
        Set<String> called = calls(CLASSES.resolve("verify/GemmCases.class"));
        assertThat(called).anyMatch(c -> c.startsWith("org/aimjvm/op/gemm/LinearOp.linear("))
                .noneMatch(c -> c.contains("SoftmaxOp"));
    }

    /** Public, static, from tensors to tensors or to a record of them that stands with the operations. */
    private static boolean isOperation(MethodModel m) {
        return m.flags().has(AccessFlag.PUBLIC) && m.flags().has(AccessFlag.STATIC)
                && m.methodType().stringValue().matches(".*\\)\\[?Lorg/aimjvm/(tensor/Tensor|op/.*);")
                && m.methodTypeSymbol().parameterList().stream()
                        .anyMatch(p -> p.descriptorString().endsWith("Lorg/aimjvm/tensor/Tensor;"));
    }

    /** Our static methods that a class calls, lambdas included. */
    private static Set<String> calls(Path file) throws IOException {
        Set<String> calls = new TreeSet<>();
        for (MethodModel m : ClassFile.of().parse(file).methods()) {
            m.code().ifPresent(code -> code.forEach(element -> {
                if (element instanceof InvokeInstruction i) {
                    calls.add(name(i.owner().asInternalName(), i.name().stringValue(), i.type().stringValue()));
                }
            }));
        }
        return calls;
    }

    private static String name(String owner, String method, String type) {
        return owner + "." + method + type;
    }

    private static List<Path> classes(String room, String pattern) throws IOException {
        try (Stream<Path> all = Files.walk(CLASSES.resolve(room))) {
            return all.filter(f -> f.getFileName().toString().matches(pattern)).toList();
        }
    }
}
