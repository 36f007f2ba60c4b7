package org.aimjvm.cli.command;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.aimjvm.command.Console;
import org.aimjvm.command.ExitCode;
import org.aimjvm.command.OptionChecks;
import org.aimjvm.command.OutputPaths;
import org.aimjvm.command.Progress;
import org.aimjvm.command.StopSignal;
import org.aimjvm.data.CodeFolders;
import org.aimjvm.data.TokenDataset;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code aim data codes}: codes of other projects to those of this one, and back. */
@Command(
        name = "codes",
        description = "Turn other projects' folders of codes into a set for 'aim train lm', or such a set into theirs.",
        footer = {"", "Read: NAME_codes/I.npy with NAME_labels/I.npy (LlamaGen), or CLASS/*.npy (RandAR, ARPG)."})
final class CodesCommand implements Callable<Integer> {
    /** What is written. */
    enum To {
        AIM, LLAMAGEN, CLASSES
    }

    @Spec private CommandSpec spec;

    @Option(names = "--from", required = true, paramLabel = "DIR",
            description = "Folder of codes: another project's, or one of 'aim tokenize'.") private Path from;

    @Option(names = {"-o", "--out"}, required = true, paramLabel = "DIR",
            description = "New folder.") private Path out;

    @Option(names = "--to", defaultValue = "aim", paramLabel = "LAYOUT",
            description = "What to write: aim, llamagen or classes (default: ${DEFAULT-VALUE}).") private To to;

    @Option(names = "--codebook", defaultValue = "16384", paramLabel = "N",
            description = "Codes there are, for other projects' files, which do not say (default: ${DEFAULT-VALUE}).") private int codebook;

    @Option(names = "--classes", defaultValue = "1000", paramLabel = "N",
            description = "Classes there are, for LlamaGen's files (default: ${DEFAULT-VALUE}).") private int classes;

    @Option(names = "--name", defaultValue = "imagenet256", paramLabel = "NAME",
            description = "What LlamaGen's two folders begin with (default: ${DEFAULT-VALUE}).") private String name;

    private final Console console;

    CodesCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws IOException {
        OptionChecks checks =
                new OptionChecks(spec).atLeast("--codebook", codebook, 1).atLeast("--classes", classes, 1);
        if (!name.matches("[A-Za-z0-9_.-]+") || name.startsWith(".")) {
            throw checks.usage("--name: " + name + " (expected letters, digits, -, _ and .)");
        }
        if (!Files.isDirectory(from)) {
            throw checks.usage("--from: " + from + ": no such folder, expected one of codes");
        }
        OutputPaths.requireNewFolder(spec, "--out", out);
        return StopSignal.during(console, StopSignal.NOTHING, to == To.AIM ? this::read : this::write);
    }

    private int read(StopSignal stop) {
        CodeFolders folders = CodeFolders.open(from, classes);
        try (Progress progress = console.progress("codes", folders.pictures(), "img").until(stop)) {
            folders.importTo(out, codebook, progress::to);
        }
        console.out().printf(
                Locale.ROOT, "%s: %d pictures, %d rows of %d codes each, %d classes%n", out, folders.pictures(),
                folders.crops(), folders.length(), folders.classNames().size());
        return ExitCode.OK;
    }

    private int write(StopSignal stop) {
        try (TokenDataset set = TokenDataset.open(from);
                Progress progress = console.progress("codes", set.size(), "img").until(stop)) {
            CodeFolders.Layout layout =
                    to == To.LLAMAGEN ? CodeFolders.Layout.LLAMAGEN : CodeFolders.Layout.CLASSES;
            CodeFolders.export(set, out, layout, name, progress::to);
            console.out().printf(Locale.ROOT, "%s: %d pictures%n", out, set.size());
        }
        return ExitCode.OK;
    }
}
