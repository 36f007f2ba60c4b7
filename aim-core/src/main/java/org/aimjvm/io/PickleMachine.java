package org.aimjvm.io;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Runs one pickle (the binary opcodes of protocols 2 to 5) with plain values and {@link TorchGlobals} as its whole
 * world. Nothing is called but what is written there, so a hostile pickle can at worst build a useless value: memory is
 * bounded by limits on its length, its steps and its strings.
 *
 * <p>Opcodes: https://docs.python.org/3/library/pickletools.html
 */
final class PickleMachine {
    private static final int MAX_STEPS = 4_000_000; // a full-size checkpoint with optimizer takes about 100,000
    private static final int MAX_TEXT = 1 << 24;
    private static final int MAX_NAME = 1 << 12;
    private static final ValueLayout.OfDouble BIG_DOUBLE =
            ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private final Path path;
    private final MemorySegment pickle;
    private final TorchGlobals globals;
    private long position;
    private final List<Object> stack = new ArrayList<>();
    private int[] marks = new int[16];
    private int markCount;
    private final Map<Long, Object> memo = new HashMap<>();

    /**
     * @param pickle starts at or before the pickle and may go on after it. Not modified
     * @param position where the pickle starts
     */
    PickleMachine(Path path, MemorySegment pickle, long position, TorchGlobals globals) {
        this.path = path;
        this.pickle = pickle;
        this.position = position;
        this.globals = globals;
    }

    /** The first byte after the pickle, once it has been run. */
    long position() {
        return position;
    }

    /**
     * Runs until the pickle stops.
     *
     * @return what it built
     * @throws CheckpointException if it is damaged or too large
     */
    Object run() {
        for (int step = 0; step < MAX_STEPS; step++) {
            int op = u8();
            if (op == '.') {
                Object result = pop();
                if (!stack.isEmpty() || markCount > 0) {
                    throw problem("values left over at its end");
                }
                return result;
            }
            if (!constant(op) && !container(op) && !memory(op)) {
                object(op);
            }
        }
        throw problem("more than " + MAX_STEPS + " steps");
    }

    /** Opcodes that push a value they carry. */
    private boolean constant(int op) {
        switch (op) {
            case 0x80 -> { // PROTO
                int protocol = u8();
                if (protocol > 5) {
                    throw problem("protocol " + protocol + ", expected at most 5");
                }
            }
            case 0x95 -> position += Math.min(8, remaining()); // FRAME: its length is of use only to streams
            case 'N' -> push(PyValue.None.NONE);
            case 0x88 -> push(Boolean.TRUE);
            case 0x89 -> push(Boolean.FALSE);
            case 'J' -> push((long) i32());
            case 'K' -> push((long) u8());
            case 'M' -> push((long) u16());
            case 0x8a -> push(integer(u8())); // LONG1
            case 0x8b -> push(integer(u32())); // LONG4
            case 'G' -> {
                push(pickle.get(BIG_DOUBLE, take(8)));
            }
            case 'X' -> push(text(u32())); // BINUNICODE
            case 0x8c -> push(text(u8())); // SHORT_BINUNICODE
            case 0x8d -> push(text(u64())); // BINUNICODE8
            case 'T' -> push(text(u32())); // BINSTRING, a Python 2 str
            case 'U' -> push(text(u8())); // SHORT_BINSTRING
            case 'B' -> push(bytes(u32(), MAX_TEXT)); // BINBYTES
            case 'C' -> push(bytes(u8(), MAX_TEXT)); // SHORT_BINBYTES
            case 0x8e, 0x96 -> push(bytes(u64(), MAX_TEXT)); // BINBYTES8, BYTEARRAY8
            default -> {
                return false;
            }
        }
        return true;
    }

    /** Opcodes that make and fill lists, tuples, dicts and sets. */
    private boolean container(int op) {
        switch (op) {
            case ']', 0x8f -> push(new PyValue.PyList(List.of())); // EMPTY_LIST, EMPTY_SET
            case '}' -> push(new PyValue.PyDict());
            case ')' -> push(new PyValue.PyTuple(List.of()));
            case 0x85 -> push(new PyValue.PyTuple(popLast(1)));
            case 0x86 -> push(new PyValue.PyTuple(popLast(2)));
            case 0x87 -> push(new PyValue.PyTuple(popLast(3)));
            case 't' -> push(new PyValue.PyTuple(popToMark()));
            case 'l', 0x91 -> push(new PyValue.PyList(popToMark())); // LIST, FROZENSET
            case 'd' -> {
                PyValue.PyDict dict = new PyValue.PyDict();
                putAll(dict, popToMark());
                push(dict);
            }
            case 'a' -> append(popLast(1));
            case 'e', 0x90 -> append(popToMark()); // APPENDS, ADDITEMS
            case 's' -> setItems(popLast(2));
            case 'u' -> setItems(popToMark());
            default -> {
                return false;
            }
        }
        return true;
    }

    /** Opcodes that move values on the stack and to and from the memo. */
    private boolean memory(int op) {
        switch (op) {
            case '(' -> {
                if (markCount == marks.length) {
                    marks = Arrays.copyOf(marks, 2 * markCount);
                }
                marks[markCount++] = stack.size();
            }
            case '0' -> { // POP takes a mark if nothing lies above it
                if (markCount > 0 && marks[markCount - 1] == stack.size()) {
                    markCount--;
                } else {
                    pop();
                }
            }
            case '1' -> popToMark();
            case '2' -> push(top());
            case 'q' -> memo.put((long) u8(), top());
            case 'r' -> memo.put(u32(), top());
            case 0x94 -> memo.put((long) memo.size(), top()); // MEMOIZE
            case 'h' -> push(recall(u8()));
            case 'j' -> push(recall(u32()));
            default -> {
                return false;
            }
        }
        return true;
    }

    /** Opcodes that refer to globals and make objects of them. */
    private void object(int op) {
        switch (op) {
            case 'c' -> push(globals.find(line(), line()));
            case 0x93 -> { // STACK_GLOBAL
                List<Object> name = popLast(2);
                if (!(name.get(0) instanceof String module) || !(name.get(1) instanceof String member)) {
                    throw problem("global whose name is not text");
                }
                push(globals.find(module, member));
            }
            case 'R', 0x81 -> { // REDUCE, NEWOBJ
                List<Object> call = popLast(2);
                if (!(call.get(1) instanceof PyValue.PyTuple args)) {
                    throw problem("call without a tuple of arguments");
                }
                push(globals.call(call.get(0), args.items));
            }
            case 'i' -> { // INST
                PyValue global = globals.find(line(), line());
                push(globals.call(global, popToMark()));
            }
            case 0x92 -> { // NEWOBJ_EX
                List<Object> call = popLast(3);
                if (!(call.get(1) instanceof PyValue.PyTuple args) || !(call.get(2) instanceof PyValue.PyDict)) {
                    throw problem("call without a tuple and a dict of arguments");
                }
                push(globals.call(call.get(0), args.items));
            }
            case 'b' -> { // BUILD
                Object state = pop();
                globals.build(top(), state);
            }
            case 'Q' -> push(globals.persistent(pop()));
            default ->
                    throw problem("opcode 0x" + Integer.toHexString(op) + " at byte " + (position - 1)
                            + ", expected one that tensors and plain containers need");
        }
    }

    private void append(List<Object> items) {
        switch (top()) {
            case PyValue.PyList list -> list.items.addAll(items);
            case PyValue.Opaque _ -> {} // dropped
            default -> throw problem("items added to something that is not a list");
        }
    }

    private void setItems(List<Object> items) {
        switch (top()) {
            case PyValue.PyDict dict -> putAll(dict, items);
            case PyValue.Opaque _ -> {} // dropped
            default -> throw problem("items set in something that is not a dict");
        }
    }

    private void putAll(PyValue.PyDict dict, List<Object> items) {
        if (items.size() % 2 != 0) {
            throw problem("dict key without value");
        }
        for (int i = 0; i < items.size(); i += 2) {
            dict.items.put(items.get(i), items.get(i + 1));
        }
    }

    private void push(Object value) {
        stack.add(value);
    }

    private int floor() {
        return markCount == 0 ? 0 : marks[markCount - 1];
    }

    private Object top() {
        if (stack.size() <= floor()) {
            throw problem("nothing on the stack");
        }
        return stack.getLast();
    }

    private Object pop() {
        top();
        return stack.removeLast();
    }

    private List<Object> popLast(int n) {
        if (stack.size() - n < floor()) {
            throw problem("nothing on the stack");
        }
        return popFrom(stack.size() - n);
    }

    private List<Object> popToMark() {
        if (markCount == 0) {
            throw problem("no mark on the stack");
        }
        return popFrom(marks[--markCount]);
    }

    private List<Object> popFrom(int start) {
        List<Object> tail = stack.subList(start, stack.size());
        List<Object> items = new ArrayList<>(tail);
        tail.clear();
        return items;
    }

    private Object recall(long index) {
        Object value = memo.get(index);
        if (value == null) {
            throw problem("memo " + index + " is empty");
        }
        return value;
    }

    private Object integer(long length) {
        byte[] littleEndian = bytes(length, 255);
        if (littleEndian.length <= 8) {
            long value = 0;
            for (int i = littleEndian.length - 1; i >= 0; i--) {
                value = i == littleEndian.length - 1 ? littleEndian[i] : value << 8 | littleEndian[i] & 0xff;
            }
            return value;
        }
        byte[] bigEndian = new byte[littleEndian.length];
        for (int i = 0; i < bigEndian.length; i++) {
            bigEndian[i] = littleEndian[bigEndian.length - 1 - i];
        }
        return new BigInteger(bigEndian);
    }

    private String text(long length) {
        return decode(bytes(length, MAX_TEXT));
    }

    private String line() {
        long end = position;
        while (end < pickle.byteSize() && end - position < MAX_NAME && pickle.get(JAVA_BYTE, end) != '\n') {
            end++;
        }
        String line = decode(bytes(end - position, MAX_NAME));
        if (u8() != '\n') {
            throw problem("name of more than " + MAX_NAME + " bytes");
        }
        return line;
    }

    private String decode(byte[] utf8) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(utf8)).toString();
        } catch (CharacterCodingException e) {
            throw new CheckpointException(path, null, "pickle: text that is not UTF-8", e);
        }
    }

    private byte[] bytes(long length, int max) {
        if (length < 0 || length > max) {
            throw problem("value of " + Long.toUnsignedString(length) + " bytes, expected at most " + max);
        }
        return pickle.asSlice(take(length), length).toArray(JAVA_BYTE);
    }

    private int u8() {
        return pickle.get(JAVA_BYTE, take(1)) & 0xff;
    }

    private int u16() {
        return pickle.get(TensorBytes.SHORT, take(2)) & 0xffff;
    }

    private int i32() {
        return pickle.get(TensorBytes.INT, take(4));
    }

    private long u32() {
        return i32() & 0xffffffffL;
    }

    private long u64() {
        return pickle.get(TensorBytes.LONG, take(8));
    }

    private long remaining() {
        return pickle.byteSize() - position;
    }

    private long take(long n) {
        if (n > remaining()) {
            throw problem("ends too early (is the file complete?)");
        }
        long at = position;
        position += n;
        return at;
    }

    private CheckpointException problem(String problem) {
        return new CheckpointException(path, null, "pickle: " + problem);
    }
}
