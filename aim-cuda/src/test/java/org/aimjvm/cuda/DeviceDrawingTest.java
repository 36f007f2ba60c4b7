package org.aimjvm.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.stream.IntStream;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.WeightFormat;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimModel;
import org.aimjvm.model.PositionRule;
import org.aimjvm.nn.Params;
import org.aimjvm.sample.GeneratedPicture;
import org.aimjvm.sample.GenerationListener;
import org.aimjvm.sample.GenerationRequest;
import org.aimjvm.sample.Generator;
import org.aimjvm.sample.Guidance;
import org.aimjvm.sample.SamplingOptions;
import org.aimjvm.ssm.Mamba2Config;
import org.aimjvm.vq.VqConfig;
import org.aimjvm.vq.VqModel;
import org.junit.jupiter.api.Test;

/** Same seed, same codes as on the CPU, over several groups of codes that are read at a time. */
class DeviceDrawingTest {
    private static final int TOKENS = 36;
    private static final int VOCAB = 23;

    private static Generator generator(Backend backend, WeightFormat weights) {
        AimConfig config = AimConfig.builder(16)
                .nLayer(2)
                .vocabSize(VOCAB)
                .numClasses(3)
                .numTokens(TOKENS)
                .ssm(Mamba2Config.builder(16).dState(8).headDim(4).build())
                .build();
        VqConfig vq = VqConfig.builder()
                .ch(8)
                .chMult(List.of(1))
                .numResBlocks(1)
                .zChannels(8)
                .nEmbed(VOCAB)
                .channels(1, 1)
                .normGroups(1)
                .build();
        return new Generator(
                new AimModel(Params.random(backend, 3, weights), config, PositionRule.SEQUENCE_INDEX),
                new VqModel(Params.random(backend, 4), vq));
    }

    private static GenerationRequest request(Guidance guidance, SamplingOptions sampling, List<Integer> prefix,
            int batch) {
        List<GenerationRequest.Job> jobs =
                IntStream.range(0, 5).mapToObj(i -> new GenerationRequest.Job(i % 3, 40 + i)).toList();
        return new GenerationRequest(jobs, guidance, sampling, prefix, batch);
    }

    private static List<List<Integer>> codes(Generator generator, GenerationRequest request) {
        List<List<Integer>> codes = new ArrayList<>();
        for (GeneratedPicture p : generator.generate(request, GenerationListener.NONE)) {
            codes.add(IntStream.of(p.codes()).boxed().toList());
        }
        return codes;
    }

    @Test
    void sameSeedSameCodes() {
        for (WeightFormat format : WeightFormat.values()) {
            Generator here = generator(CudaTests.backend(), format);
            Generator host = generator(CudaTests.reference(), format);
            for (GenerationRequest request : List.of(
                    request(Guidance.NONE, SamplingOptions.PLAIN, List.of(), 2),
                    request(new Guidance(1, 4), new SamplingOptions(0.9f, 12, 0.95f, 0.01f), List.of(), 5),
                    request(Guidance.constant(2), SamplingOptions.GREEDY, List.of(3, 1, 22), 3))) {
                assertThat(codes(here, request)).as("%s, batch %d", format, request.batchSize())
                        .isEqualTo(codes(host, request));
            }
        }
    }

    @Test
    void picturesWithForcedTokensOfTheirOwnGetTheHostsCodesToo() {
        int[] forced = new int[TOKENS];
        Arrays.setAll(forced, t -> t % 3 == 0 ? t % VOCAB : GenerationRequest.Job.DRAWN);
        GenerationRequest request = new GenerationRequest(
                List.of(new GenerationRequest.Job(1, 40, forced), new GenerationRequest.Job(2, 41)),
                Guidance.constant(2), SamplingOptions.PLAIN, List.of(), 2);
        int[][] expected = generator(CudaTests.reference(), WeightFormat.F32).draw(request, GenerationListener.NONE);
        assertThat(generator(CudaTests.backend(), WeightFormat.F32).draw(request, GenerationListener.NONE))
                .isDeepEqualTo(expected);
        for (int t = 0; t < TOKENS; t += 3) {
            assertThat(expected[0][t]).isEqualTo(forced[t]);
        }
    }

    @Test
    void listenersHearOfEveryTokenInOrder() {
        Generator here = generator(CudaTests.backend(), WeightFormat.F32);
        GenerationRequest request = request(Guidance.constant(2), SamplingOptions.PLAIN, List.of(), 5);
        List<Integer> positions = new ArrayList<>();
        List<Integer> rows = new ArrayList<>();
        int[][] heard = new int[5][TOKENS];
        List<GeneratedPicture> pictures = here.generate(request, new GenerationListener() {
            @Override
            public void onToken(int picture, int position, int token) {
                heard[picture][position] = token;
                if (picture == 4) {
                    positions.add(position);
                }
            }

            @Override
            public void onRow(int row, PartialPictures partial) {
                rows.add(row);
            }
        });
        assertThat(positions).isEqualTo(IntStream.range(0, TOKENS).boxed().toList());
        assertThat(rows).containsExactly(1, 2, 3, 4, 5, 6);
        for (int i = 0; i < 5; i++) {
            assertThat(pictures.get(i).codes()).isEqualTo(heard[i]);
        }
    }

    @Test
    void cancellingEndsItAndTheGeneratorWorksAgain() {
        Generator here = generator(CudaTests.backend(), WeightFormat.F32);
        GenerationRequest request = request(Guidance.NONE, SamplingOptions.PLAIN, List.of(), 5);
        assertThatThrownBy(() -> here.generate(request, new GenerationListener() {
            private int heard;

            @Override
            public void onToken(int picture, int position, int token) {
                heard++;
            }

            @Override
            public boolean isCancelled() {
                return heard > 0;
            }
        })).isInstanceOf(CancellationException.class).hasMessage("generation cancelled at token 16 of " + TOKENS);
        assertThat(codes(here, request)).hasSize(5);
    }

    @Test
    void memoryOfAGenerationIsGivenBack() {
        CudaBackend own = CudaTests.backend(org.aimjvm.backend.MatmulPrecision.F32);
        Generator here = generator(own, WeightFormat.F32);
        GenerationRequest request = request(Guidance.constant(2), SamplingOptions.PLAIN, List.of(), 2);
        codes(here, request);
        long before = settled(own);
        for (int i = 0; i < 3; i++) {
            codes(here, request);
        }
        assertThat(settled(own)).isEqualTo(before);
    }

    private static long settled(CudaBackend backend) {
        long bytes = backend.context().memory().inUse();
        for (int i = 0; i < 20; i++) {
            System.gc();
            try {
                Thread.sleep(20);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            bytes = Math.min(bytes, backend.context().memory().inUse());
        }
        return bytes;
    }
}
