package org.aimjvm.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ImageNetClassesTest {
    private static final ClassNames CLASSES = new ClassNames(ImageNetClasses.names(), ImageNetClasses.COUNT);

    @Test
    void thereAreAThousandInTheOrderOfTheirIds() {
        List<String> ids = IntStream.range(0, 1000).mapToObj(ImageNetClasses::id).toList();
        assertThat(ids).isSorted().doesNotHaveDuplicates().hasSize(1000).allMatch(id -> id.matches("n\\d{8}"));
        assertThat(ImageNetClasses.names()).hasSize(1000).noneMatch(String::isBlank);
        assertThat(ImageNetClasses.names().get(207)).isEqualTo("golden retriever");
        assertThat(ImageNetClasses.synonyms(0)).containsExactly("tench", "Tinca tinca");
    }

    @Test
    void nameIdNumberAndSynonymAreTheSame() {
        for (String text : List.of("golden retriever", "Golden_Retriever", "n02099601", "N02099601", "207")) {
            assertThat(CLASSES.label(text)).as(text).isEqualTo(207);
        }
        assertThat(CLASSES.label("tinca tinca")).isZero();
        assertThat(CLASSES.label("man-eating shark")).isEqualTo(2);
        assertThat(CLASSES.labels("tench, Tinca tinca")).containsExactly(0);
        assertThat(CLASSES.labels("tench,goldfish,n02099601,3")).containsExactly(0, 1, 207, 3);
    }

    @Test
    void namesOfTwoClassesAreRefusedNamingBoth() {
        assertThatThrownBy(() -> CLASSES.label("crane")).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("crane (134, n02012849); crane (517, n03126707)");
        assertThat(CLASSES.label("n03126707")).isEqualTo(517);
        assertThat(CLASSES.label("maillot, tank suit")).isEqualTo(639);
        assertThatThrownBy(() -> CLASSES.label("labrador")).hasMessageContaining("Labrador retriever");
    }

    @Test
    void othersThousandNamesHaveNoIds() {
        List<String> own = IntStream.range(0, 1000).mapToObj(i -> "kind " + i).toList();
        assertThatThrownBy(() -> new ClassNames(own, 1000).label("n02099601"))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
