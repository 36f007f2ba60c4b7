package org.aimjvm.command;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.aimjvm.io.AtomicFiles;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Where a command is told to write: checks before any work, and the writing of small files. */
public final class OutputPaths {
    private OutputPaths() {}

    /**
     * @param what the option, for the message
     * @throws ParameterException if {@code folder} is a file, or holds anything
     */
    public static void requireNewFolder(CommandSpec command, String what, Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        if (!Files.isDirectory(folder)) {
            throw new ParameterException(command.commandLine(),
                    what + ": " + folder + " is a file, expected a new folder");
        }
        try (Stream<Path> content = Files.list(folder)) {
            if (content.findAny().isPresent()) {
                throw new ParameterException(command.commandLine(), what + ": " + folder
                        + " is not empty, expected a new folder (delete it, or name another)");
            }
        }
    }

    /** @throws ParameterException if {@code file} exists */
    public static void requireNewFile(CommandSpec command, String what, Path file) {
        if (Files.exists(file)) {
            throw new ParameterException(command.commandLine(),
                    what + ": " + file + " exists, expected a new file (delete it, or name another)");
        }
    }

    /**
     * Writes a file, which appears at once when complete, see {@link AtomicFiles}.
     *
     * @param bytes its content. Not modified
     * @throws IOException if it cannot be written; the message names it
     */
    public static void write(Path file, byte[] bytes) throws IOException {
        try {
            AtomicFiles.write(file, bytes);
        } catch (FileSystemException e) {
            throw e; // names a file
        } catch (IOException e) {
            throw new IOException(file + ": cannot be written: " + e.getMessage(), e);
        }
    }
}
