package org.aimjvm.data;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.aimjvm.io.CheckpointException;

/** Joins the shares of a set of codes that several workers wrote. */
final class TokenParts {
    private TokenParts() {}

    /** See {@link TokenDatasetWriter#merge}. */
    static void merge(List<Path> folders, Path target) {
        if (folders.isEmpty()) {
            throw new IllegalArgumentException("parts: none (expected a folder per share)");
        }
        List<TokenDataset> parts = new ArrayList<>();
        try {
            for (Path folder : folders) {
                parts.add(TokenDataset.openPart(folder));
            }
            parts.sort(Comparator.comparingInt(p -> p.part().shard().rank()));
            requireWhole(parts);
            write(parts, target);
        } finally {
            parts.forEach(TokenDataset::close);
        }
    }

    private static void requireWhole(List<TokenDataset> parts) {
        TokenDataset first = parts.getFirst();
        int of = first.part().shard().of();
        for (int rank = 0; rank < parts.size(); rank++) {
            TokenDataset p = parts.get(rank);
            TokenPart expected = new TokenPart(
                    new Shard(Math.min(rank, of - 1), of), first.part().count(), first.part().rowsPerFile());
            if (!p.part().equals(expected)) {
                throw new CheckpointException(p.path(), null, p.part() + ", expected " + expected
                        + " (is every share there once, and only those of one set?)");
            }
            if (!p.info().equals(first.info())) {
                throw new CheckpointException(
                        p.path(), null, "of " + p.info() + ", expected " + first.info() + " as in " + first.path());
            }
            if (p.rows() != expected.shard().size(expected.count())) {
                throw new CheckpointException(p.path(), null, p.rows() + " pictures, expected "
                        + expected.shard().size(expected.count()) + " in share " + expected.shard());
            }
        }
        if (parts.size() != of) {
            throw new CheckpointException(first.path(), null, parts.size() + " shares, expected " + of
                    + " (is every share there once, and only those of one set?)");
        }
    }

    private static void write(List<TokenDataset> parts, Path target) {
        TokenPart part = parts.getFirst().part();
        TokenDatasetInfo info = parts.getFirst().info();
        int[] codes = new int[info.length()];
        try (TokenDatasetWriter writer =
                new TokenDatasetWriter(target, info, part.count(),
                        Math.multiplyExact(part.rowsPerFile(), info.length()))) {
            for (TokenDataset p : parts) {
                for (int i = 0; i < p.rows(); i++) {
                    p.readRow(i, codes, 0);
                    writer.add(codes, 0, p.rowLabel(i));
                }
            }
            writer.finish();
        }
    }
}
