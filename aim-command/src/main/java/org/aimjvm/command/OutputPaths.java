package org.aimjvm.command;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Checks on where a command is told to write, before any work. */
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
}
