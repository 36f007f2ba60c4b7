package org.aimjvm.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/**
 * Commands of modules that the script {@code ./aim} builds at their first call: known by the file {@code commands} in
 * the folder of the module, so that the help lists them while nothing of them is built. A line of the file is {@code
 * NAME KIND DESCRIPTION}, with KIND one of {@code light}, {@code files} and {@code compute}, which the script reads;
 * lines that begin with {@code #} are remarks.
 */
final class ModuleCommands {
    /** System property that the script {@code ./aim} sets to the folder it lies in. */
    static final String HOME_PROPERTY = "aim.home";

    private static final Pattern LINE = Pattern.compile("([a-z][a-z0-9-]*) (light|files|compute) (\\S.*)");

    private ModuleCommands() {}

    /**
     * The descriptions of the commands by name, over all modules; none if this was not started by the script.
     *
     * @throws IllegalStateException if a line is not as it should be
     */
    static Map<String, String> all() {
        String home = System.getProperty(HOME_PROPERTY);
        return home == null ? Map.of() : in(Path.of(home));
    }

    /** The commands of the modules below {@code home}. */
    static Map<String, String> in(Path home) {
        List<Path> lists = new ArrayList<>();
        try (DirectoryStream<Path> modules = Files.newDirectoryStream(home, "aim-*")) {
            modules.forEach(module -> lists.add(module.resolve("commands")));
            Map<String, String> commands = new TreeMap<>();
            for (Path list : lists) {
                if (Files.isRegularFile(list)) {
                    read(list, commands);
                }
            }
            return commands;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void read(Path list, Map<String, String> commands) throws IOException {
        for (String line : Files.readAllLines(list)) {
            if (line.isBlank() || line.startsWith("#")) {
                continue;
            }
            Matcher m = LINE.matcher(line);
            if (!m.matches()) {
                throw new IllegalStateException(
                        list + ": '" + line + "' (expected NAME KIND DESCRIPTION, KIND light, files or compute)");
            }
            commands.put(m.group(1), m.group(3));
        }
    }

    /** What stands in the tree for a command whose module is not on the class path: its name and one line. */
    static CommandSpec placeholder(String name, String description) {
        CommandSpec[] spec = new CommandSpec[1];
        spec[0] = CommandSpec.wrapWithoutInspection((Callable<Integer>) () -> {
            throw new ParameterException(
                    spec[0].commandLine(), "its module is not on the class path (expected: started as ./aim " + name
                            + " by the script, which builds it)");
        });
        spec[0].usageMessage().description(description);
        return spec[0];
    }

    /** Adds a placeholder for every command of {@link #all} that {@code root} lacks. */
    static void addMissing(CommandLine root) {
        all().forEach((name, description) -> {
            if (!root.getSubcommands().containsKey(name)) {
                root.addSubcommand(name, placeholder(name, description));
            }
        });
    }
}
