package org.aimjvm.cli.option;

import java.util.List;
import java.util.Locale;
import org.aimjvm.checkpoint.ClassRows;
import org.aimjvm.checkpoint.ModelFolder;
import org.aimjvm.data.TokenDatasetInfo;
import org.aimjvm.command.ComputeOptions;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** How codes and their classes are matched with a sequence model to begin from; a mixin. */
public final class ClassOptions {
    /** Names of {@link ClassRows.Rule} as the command line spells them. */
    enum Rule {
        KEEP(ClassRows.Rule.KEEP), BY_NAME(ClassRows.Rule.BY_NAME), NEW(ClassRows.Rule.NEW);

        private final ClassRows.Rule rule;

        Rule(ClassRows.Rule rule) {
            this.rule = rule;
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    @Spec(Spec.Target.MIXEE) private CommandSpec command;

    @Option(
            names = "--classes",
            paramLabel = "RULE",
            description = "How classes find those of --init: keep (label by label), by-name (whatever the case), or new (none is "
                    + "taken over) (default: by-name if --init names its classes; else keep if there are as many; else new).") private Rule rule;

    @Option(
            names = "--other-tokenizer",
            description = "Take codes that another tokenizer made than the one of --init.") private boolean otherTokenizer;

    /** Whether codes of another tokenizer are taken. */
    public boolean otherTokenizer() {
        return otherTokenizer;
    }

    /**
     * Complains about what needs a model to begin from.
     *
     * @param init whether one is given
     */
    public void check(boolean init) {
        if (!init && (rule != null || otherTokenizer)) {
            throw usage((rule != null ? "--classes" : "--other-tokenizer")
                    + ": given without --init (expected both, or none)");
        }
    }

    /** What tells these choices apart, for the origin of a run. */
    public String taken() {
        return "classes " + (rule == null ? "as usual" : rule);
    }

    /** The rows that the classes of the codes take over from a model. */
    public ClassRows rows(ModelFolder folder, TokenDatasetInfo codes) {
        List<String> names = folder.info().classNames();
        int count = folder.config().numClasses();
        ClassRows.Rule chosen = rule == null ? ClassRows.usual(names, count, codes.classNames()) : rule.rule;
        return ComputeOptions.checked(command, () -> ClassRows.of(chosen, names, count, codes.classNames()));
    }

    private ParameterException usage(String message) {
        return new ParameterException(command.commandLine(), message);
    }
}
