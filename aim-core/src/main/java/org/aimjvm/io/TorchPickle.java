package org.aimjvm.io;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;

/**
 * A checkpoint written by {@code torch.save}: the zip container or the legacy one before it (PyTorch 1.5 and older).
 *
 * <p>The pickle inside is read by a restricted machine that knows tensors, parameters, dicts, lists, tuples, numbers,
 * texts and {@code argparse.Namespace}. Anything else (a NumPy number, a path, a program's own class) is left out where
 * it lies beside the tensors, and a {@link CheckpointException} that names it where tensors are inside; nothing is ever
 * executed. Tensors' elements are read from the mapped file when asked for; transposed or sliced views come out in
 * row-major order, tensors that share a storage each under its own name.
 *
 * <p>Names are the keys on the way to a tensor, joined by dots: a state dict's own names if it was saved alone,
 * {@code model.encoder.conv_in.weight} if it was saved under {@code "model"}; {@link #wrappers} tells which, and
 * {@code file.sub("model.")} selects. {@link #metadata} has the numbers and texts found beside the tensors, e.g.
 * {@code steps} or {@code args.image_size}.
 *
 * <p>Checksums of a zip are not compared (neither does PyTorch, which can be told not to write them), only sizes.
 */
public final class TorchPickle implements TensorSource {
    private static final int MAX_PICKLE = 1 << 26;
    /** First bytes of a legacy file: a pickle of the number 0x1950a86a20f9469cfc6c. */
    private static final byte[] LEGACY_MAGIC = {
        (byte) 0x80, 2, (byte) 0x8a, 10, 0x6c, (byte) 0xfc, (byte) 0x9c, 0x46, (byte) 0xf9, 0x20, 0x6a, (byte) 0xa8,
        0x50, 0x19, '.'
    };

    private static final long LEGACY_PROTOCOL = 1001;

    private final Path path;
    private final MappedFile file;
    private final TorchNames names;
    private final Map<String, Supplier<MemorySegment>> data = new HashMap<>();

    private TorchPickle(Path path, MappedFile file) {
        this.path = path;
        this.file = file;
        this.names = isLegacy(file.bytes()) ? readLegacy() : readZip();
    }

    /**
     * Maps the file and reads everything but the tensors' elements.
     *
     * @throws CheckpointException if it is not a complete PyTorch file, or keeps its tensors in anything but plain
     *     containers
     */
    public static TorchPickle open(Path path) {
        return MappedFile.open(path, file -> new TorchPickle(path, file));
    }

    /** A file that is already in memory; {@code path} only appears in messages. */
    static TorchPickle of(Path path, MemorySegment bytes) {
        return new TorchPickle(path, MappedFile.inMemory(bytes));
    }

    /** Whether the file starts like a legacy container. */
    static boolean isLegacy(MemorySegment bytes) {
        return bytes.byteSize() >= LEGACY_MAGIC.length
                && bytes.asSlice(0, LEGACY_MAGIC.length).mismatch(MemorySegment.ofArray(LEGACY_MAGIC)) < 0;
    }

    private TorchNames readZip() {
        ZipDirectory zip = ZipDirectory.read(path, file.bytes());
        List<String> pickles = zip.entries().keySet().stream()
                .filter(name -> name.endsWith("/data.pkl") && name.indexOf('/') == name.lastIndexOf('/'))
                .toList();
        if (pickles.size() != 1) {
            throw problem("zip archive with " + pickles.size() + " data.pkl, expected one (is it a PyTorch file?)");
        }
        String folder = pickles.getFirst().substring(0, pickles.getFirst().indexOf('/') + 1);
        ZipDirectory.Entry order = zip.entries().get(folder + "byteorder");
        if (order != null && !littleEndian(zip, order)) {
            throw problem("big-endian data, expected little endian");
        }
        ZipDirectory.Entry pickle = zip.entries().get(pickles.getFirst());
        if (pickle.size() > MAX_PICKLE) {
            throw problem("pickle of " + pickle.size() + " bytes, expected at most " + MAX_PICKLE);
        }
        TorchGlobals globals = new TorchGlobals(path);
        MemorySegment bytes = zip.bytes(pickle);
        PickleMachine machine = new PickleMachine(path, bytes, 0, globals);
        Object root = machine.run();
        if (machine.position() != bytes.byteSize()) {
            throw problem("bytes after the end of the pickle");
        }
        for (TorchStorage storage : globals.storages().values()) {
            ZipDirectory.Entry e = zip.entries().get(folder + "data/" + storage.key());
            if (e == null) {
                throw problem("no data for storage " + CheckpointException.shorten(storage.key()));
            }
            if (e.size() != storage.bytes()) {
                throw problem(e.name() + ": " + e.size() + " bytes, expected " + storage.bytes() + " for "
                        + storage.size() + " " + storage.dtype());
            }
            zip.requireReadable(e);
            data.put(storage.key(), () -> zip.bytes(e));
        }
        return TorchNames.of(path, root);
    }

    private static boolean littleEndian(ZipDirectory zip, ZipDirectory.Entry order) {
        return order.size() == 6
                && new String(zip.bytes(order).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.US_ASCII)
                        .equals("little");
    }

    private TorchNames readLegacy() {
        MemorySegment bytes = file.bytes();
        TorchGlobals globals = new TorchGlobals(path);
        long at = LEGACY_MAGIC.length;
        PickleMachine protocol = new PickleMachine(path, bytes, at, globals);
        if (!Long.valueOf(LEGACY_PROTOCOL).equals(protocol.run())) {
            throw problem("legacy container, expected protocol version " + LEGACY_PROTOCOL);
        }
        PickleMachine system = new PickleMachine(path, bytes, protocol.position(), globals);
        if (!(system.run() instanceof PyValue.PyDict info) || Boolean.FALSE.equals(info.items.get("little_endian"))) {
            throw problem("legacy container, expected little endian data");
        }
        PickleMachine content = new PickleMachine(path, bytes, system.position(), globals);
        Object root = content.run();
        PickleMachine keys = new PickleMachine(path, bytes, content.position(), globals);
        if (!(keys.run() instanceof PyValue.PyList list)) {
            throw problem("legacy container, expected a list of storages");
        }
        at = keys.position();
        for (Object key : list.items) {
            at = readLegacyStorage(key instanceof String s ? globals.storages().get(s) : null, at);
        }
        if (data.size() != globals.storages().size() || data.size() != list.items.size()) {
            throw problem(data.size() + " storages with data, expected " + globals.storages().size());
        }
        if (at != bytes.byteSize()) {
            throw problem((bytes.byteSize() - at) + " bytes after the last storage, expected none");
        }
        return TorchNames.of(path, root);
    }

    /** A storage's number of elements, then its bytes. */
    private long readLegacyStorage(TorchStorage storage, long at) {
        if (storage == null) {
            throw problem("data of a storage that no tensor uses");
        }
        MemorySegment bytes = file.bytes();
        String what = "storage " + CheckpointException.shorten(storage.key());
        if (at > bytes.byteSize() - 8) {
            throw problem(what + ": no data (is the file complete?)");
        }
        long size = bytes.get(TensorBytes.LONG, at);
        long start = at + 8;
        if (size != storage.size() || start > bytes.byteSize() - storage.bytes()) {
            throw problem(what + ": " + size + " elements in " + (bytes.byteSize() - start) + " bytes, expected "
                    + storage.size() + " " + storage.dtype() + " (is the file complete?)");
        }
        data.put(storage.key(), () -> file.bytes().asSlice(start, storage.bytes()));
        return start + storage.bytes();
    }

    /**
     * The keys of the outermost dict under which containers with tensors were saved, e.g. {@code model} and
     * {@code optimizer}; empty if the file is a bare state dict.
     */
    public Set<String> wrappers() {
        return Collections.unmodifiableSet(names.wrappers());
    }

    /**
     * Names of tensors that are the very same elements of a storage as another: the head tied to the word embedding.
     * Each maps to the alphabetically first name of these elements, which is not itself a key.
     */
    public Map<String, String> tied() {
        Map<List<Object>, String> first = new HashMap<>();
        Map<String, String> tied = new TreeMap<>();
        for (String name : new TreeSet<>(names())) {
            String other = tensor(name).info(name).shape().size() == 0
                    ? null
                    : first.putIfAbsent(tensor(name).identity(), name);
            if (other != null) {
                tied.put(name, other);
            }
        }
        return tied;
    }

    private TorchTensor tensor(String name) {
        TorchTensor tensor = names.tensors().get(name);
        if (tensor == null) {
            String type = names.opaque().get(name);
            throw new CheckpointException(
                    path, name, type == null ? "no such tensor" : "an object of " + type + ", expected a tensor");
        }
        return tensor;
    }

    private TensorBytes bytes(String name) {
        TorchTensor tensor = tensor(name);
        file.bytes(); // says so if the file is closed
        MemorySegment storage = data.get(tensor.storage().key()).get();
        return new TensorBytes(path, tensor.info(name), tensor.elements(storage));
    }

    @Override
    public Path path() {
        return path;
    }

    @Override
    public Set<String> names() {
        return Collections.unmodifiableSet(names.tensors().keySet());
    }

    @Override
    public TensorInfo info(String name) {
        return tensor(name).info(name);
    }

    @Override
    public float[] readFloats(String name) {
        return bytes(name).floats();
    }

    @Override
    public int[] readInts(String name) {
        return bytes(name).ints();
    }

    @Override
    public long[] readLongs(String name) {
        return bytes(name).longs();
    }

    @Override
    public Map<String, String> metadata() {
        return Collections.unmodifiableMap(names.texts());
    }

    @Override
    public void close() {
        file.close();
    }

    private CheckpointException problem(String problem) {
        return new CheckpointException(path, null, problem);
    }
}
