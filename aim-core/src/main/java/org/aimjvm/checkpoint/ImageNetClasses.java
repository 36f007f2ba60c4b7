package org.aimjvm.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The 1,000 classes of ImageNet's challenge (Russakovsky et al. 2015) by label, for checkpoints of 1,000 classes that
 * bring no names: those that are published. Names and WordNet ids from DJL's basicdataset, see NOTICE.
 */
public final class ImageNetClasses {
    /** How many there are. */
    public static final int COUNT = 1000;

    private static final String RESOURCE = "imagenet-classes.tsv";

    /** Read when first asked for. */
    private static final class Table {
        static final List<String> IDS = new ArrayList<>();
        static final List<String> NAMES = new ArrayList<>();
        static final List<List<String>> SYNONYMS = new ArrayList<>();

        static {
            for (String line : text().lines().toList()) {
                String[] fields = line.split("\t");
                IDS.add(fields[0]);
                SYNONYMS.add(List.of(fields[1].split(", ")));
                NAMES.add(SYNONYMS.getLast().getFirst());
            }
        }

        private static String text() {
            try (InputStream in = ImageNetClasses.class.getResourceAsStream(RESOURCE)) {
                if (in == null) {
                    throw new IllegalStateException(RESOURCE + ": missing from the jar");
                }
                return new String(in.readAllBytes(), StandardCharsets.UTF_8);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private ImageNetClasses() {}

    /** The first synonym of each class; two names, crane and maillot, stand for two classes each. */
    public static List<String> names() {
        return List.copyOf(Table.NAMES);
    }

    /** WordNet id of a class, e.g. {@code n02099601}. */
    public static String id(int label) {
        return Table.IDS.get(label);
    }

    /** All names of a class, the usual one first. */
    public static List<String> synonyms(int label) {
        return Table.SYNONYMS.get(label);
    }
}
