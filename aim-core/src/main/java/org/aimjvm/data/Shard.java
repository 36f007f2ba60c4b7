package org.aimjvm.data;

/**
 * A worker's share of an ordered set: the contiguous rows {@code floor(rank n / of)} to
 * {@code floor((rank + 1) n / of) - 1} of n. The shares of all ranks are the whole set, each row once, in order, and
 * their sizes differ by at most one. With fewer rows than workers some shares are empty.
 *
 * @param rank which share, from 0 to {@code of - 1}
 * @param of number of shares, at least 1
 */
public record Shard(int rank, int of) {
    /** The only share of one worker: everything. */
    public static final Shard ALL = new Shard(0, 1);

    public Shard {
        if (of < 1) {
            throw new IllegalArgumentException("shards: " + of + " (expected at least 1)");
        }
        if (rank < 0 || rank >= of) {
            throw new IllegalArgumentException("shard: " + rank + " (expected 0 to " + (of - 1) + ", there are " + of
                    + ")");
        }
    }

    /** The first row of this share of {@code rows} rows, which are at least 0. */
    public int from(int rows) {
        return start(rank, rows);
    }

    /** The row after the last of this share of {@code rows} rows; {@link #from} where the share is empty. */
    public int to(int rows) {
        return start(rank + 1, rows);
    }

    /** Number of rows in this share of {@code rows} rows. */
    public int size(int rows) {
        return to(rows) - from(rows);
    }

    private int start(int share, int rows) {
        if (rows < 0) {
            throw new IllegalArgumentException("rows: " + rows + " (expected at least 0)");
        }
        return (int) ((long) share * rows / of);
    }

    /** "2/3" for rank 1 of 3, as people count. */
    @Override
    public String toString() {
        return (rank + 1) + "/" + of;
    }
}
