package org.aimjvm.command;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Turns exceptions into the one line that users see: {@code aim: what: got, expected (cure)}. */
public final class ErrorReport {
    private static final String LIBRARY = "org.aimjvm.";

    private ErrorReport() {}

    /** A mistake on the command line. */
    public static String wrongUsage(ParameterException e) {
        String command = e.getCommandLine().getCommandSpec().qualifiedName(" "); // "aim data fashion-mnist"
        String where = command.contains(" ") ? command.substring(command.indexOf(' ') + 1) + ": " : "";
        String what = e instanceof UnmatchedArgumentException u ? unmatched(u) : e.getMessage();
        return oneLine("aim: " + where + what + " (" + command + " --help explains)");
    }

    private static String unmatched(UnmatchedArgumentException e) {
        String got = e.getUnmatched().getFirst();
        List<String> near = e.getSuggestions();
        CommandLine command = e.getCommandLine();
        String kind = e.isUnknownOption() ? "option" : command.getSubcommands().isEmpty() ? "argument" : "command";
        String hint = near.isEmpty() ? "" : ", did you mean " + near.getFirst() + "?";
        return "unknown " + kind + " '" + got + "'" + hint;
    }

    /** A command that failed. */
    public static String failure(Exception e) {
        Exception cause = e instanceof UncheckedIOException u ? u.getCause() : e;
        return oneLine("aim: " + message(cause));
    }

    private static String message(Exception e) {
        if (e instanceof FileSystemException f) {
            return f.getFile() + ": " + reason(f);
        }
        boolean forUsers = e instanceof IOException
                || e instanceof IllegalArgumentException
                || e.getClass().getName().startsWith(LIBRARY);
        if (forUsers && e.getMessage() != null) {
            return e.getMessage();
        }
        return internal(e);
    }

    private static String internal(Throwable e) {
        return "internal error: " + e + " (run again with --debug and report what it prints)";
    }

    private static String reason(FileSystemException e) {
        return switch (e) {
            case NoSuchFileException _ -> "no such file or folder";
            case AccessDeniedException _ -> "permission denied";
            case FileAlreadyExistsException _ -> "exists already";
            case DirectoryNotEmptyException _ -> "folder is not empty";
            case NotDirectoryException _ -> "not a folder";
            default -> e.getReason() == null ? e.getClass().getSimpleName() : e.getReason();
        };
    }

    /** What came out of a command, or of making the commands, without being an exception of a command. */
    public static String unexpected(Throwable e) {
        return e instanceof OutOfMemoryError full ? outOfMemory(full) : oneLine("aim: " + internal(e));
    }

    private static String outOfMemory(OutOfMemoryError e) {
        long mib = Runtime.getRuntime().maxMemory() >> 20;
        return oneLine("aim: memory: " + e.getMessage() + " with a heap of at most " + mib
                + " MiB, expected more (cure: AIM_JAVA_OPTS=-Xmx with a larger size, or a smaller batch)");
    }

    private static String oneLine(String text) {
        return text.strip().replaceAll("\\s*\\R\\s*", " ");
    }
}
