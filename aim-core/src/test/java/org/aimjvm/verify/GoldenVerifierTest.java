package org.aimjvm.verify;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.aimjvm.TestBackends;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/** Every array of the original model's data, on every backend. */
@Tag("backends")
class GoldenVerifierTest {
    /** 3x3 weights of residual blocks are not in the file of gradients. */
    private static boolean isLeftOut(String name, CaseResult.Skip skip) {
        return name.equals("tokenizer-losses/autoencoder")
                && skip.what().matches("grads.safetensors .*\\.conv[12]\\.weight")
                && skip.reason().equals("the file has no such tensor");
    }

    @TestFactory
    Stream<DynamicNode> everyCaseOnEveryBackend() {
        return TestBackends.available().stream()
                .flatMap(backend -> GoldenVerifier.cases(GoldenData.root()).stream().map(folder -> {
                    String name = GoldenData.root().relativize(folder).toString().replace('\\', '/');
                    return DynamicTest.dynamicTest(backend.name() + ": " + name, () -> {
                        CaseResult result = GoldenVerifier.verifyCase(GoldenData.root(), folder, backend);
                        assertThat(result.status()).as(result.toString()).isEqualTo(CaseResult.Status.PASS);
                        assertThat(result.skipped()).allMatch(s -> isLeftOut(name, s));
                        assertThat(result.worst()).isLessThanOrEqualTo(1);
                    });
                }));
    }
}
