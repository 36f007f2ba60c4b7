package org.aimjvm.cli.command;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.aimjvm.backend.Backend;
import org.aimjvm.backend.Backends;
import org.aimjvm.command.ComputeOptions;
import org.aimjvm.command.Console;
import org.aimjvm.command.ExitCode;
import org.aimjvm.verify.CaseResult;
import org.aimjvm.verify.GoldenVerifier;
import org.aimjvm.verify.OpCase;
import org.aimjvm.verify.OpCases;
import org.aimjvm.verify.OpCheck;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code aim verify}: this machine against numbers of the original model. */
@Command(
        name = "verify",
        description = "Compare what a backend computes here with data computed by the original model, case by case, or with the scalar"
                + " backend, operation by operation.",
        footer = {"",
            "Each line: verdict, case, comparisons made and left out, and the greatest error in units of its tolerance.",
            "The exit code is 1 if any case fails."})
public final class VerifyCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Option(
            names = "--golden",
            paramLabel = "DIR",
            description = "Folder with cases in or below it: folders with README.json and arrays.") private Path golden;

    @Option(
            names = "--ops",
            description = {
                "Check every operation at awkward and at real sizes: outputs and gradients against the scalar backend, and"
                        + " gradients against finite differences. Needs no data."
            }) private boolean ops;

    @Option(
            names = "--only",
            paramLabel = "REGEX",
            description = "Of the operations those whose name contains a match.") private Pattern only;

    @Option(names = "--skipped", description = "Tell what was left out, and why.") private boolean tellSkipped;

    @Mixin private ComputeOptions compute;

    private final Console console;

    VerifyCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        if (golden == null && !ops) {
            throw new ParameterException(spec.commandLine(), "nothing to verify, expected --golden or --ops");
        }
        if (only != null && !ops) {
            throw new ParameterException(spec.commandLine(), "--only: " + only + " without --ops, expected both");
        }
        if (golden != null && !Files.isDirectory(golden)) {
            throw new ParameterException(spec.commandLine(), "--golden: " + golden + ", expected a folder");
        }
        Backend backend = compute.backend(console);
        boolean ok = !ops || verifyOps(backend);
        if (golden != null) {
            ok &= verifyGolden(backend);
        }
        return ok ? ExitCode.OK : ExitCode.FAILED;
    }

    private boolean verifyOps(Backend backend) {
        Backend reference = Backends.open("scalar", 1);
        int failed = 0;
        List<OpCase> cases = OpCases.all().stream()
                .filter(c -> only == null || only.matcher(c.name()).find())
                .toList();
        if (cases.isEmpty()) {
            throw new ParameterException(
                    spec.commandLine(), "--only: " + only + " is in no name, expected some operation, e.g. linear");
        }
        for (OpCase c : cases) {
            String problem = OpCheck.againstReference(c, backend, reference);
            problem = problem == null ? OpCheck.gradients(c, backend) : problem;
            if (problem != null) {
                failed++;
                console.out().println("FAIL     " + problem);
            }
        }
        console.out().printf(Locale.ROOT, "%s: %d operations: %d passed, %d failed%n", backend.name(), cases.size(),
                cases.size() - failed, failed);
        return failed == 0;
    }

    private boolean verifyGolden(Backend backend) {
        List<Path> cases = GoldenVerifier.cases(golden);
        Map<CaseResult.Status, Integer> counts = new EnumMap<>(CaseResult.Status.class);
        int checks = 0;
        int skipped = 0;
        for (Path folder : cases) {
            CaseResult result = GoldenVerifier.verifyCase(golden, folder, backend);
            console.out().println(result.toString().strip());
            if (tellSkipped) {
                result.skipped().forEach(s -> console.out().println("        " + s));
            }
            counts.merge(result.status(), 1, Integer::sum);
            checks += result.checks();
            skipped += result.skipped().size();
        }
        int failed = counts.getOrDefault(CaseResult.Status.FAIL, 0);
        console.out().printf(Locale.ROOT,
                "%s: %d cases: %d passed, %d failed, %d skipped; %d comparisons, %d left out%n",
                backend.name(), cases.size(), counts.getOrDefault(CaseResult.Status.PASS, 0), failed,
                counts.getOrDefault(CaseResult.Status.SKIPPED, 0), checks, skipped);
        return failed == 0;
    }
}
