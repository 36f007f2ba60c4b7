package org.aimjvm.cli.command;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.aimjvm.checkpoint.AimConfigJson;
import org.aimjvm.checkpoint.ModelFolder;
import org.aimjvm.checkpoint.ModelInfo;
import org.aimjvm.checkpoint.Recipe;
import org.aimjvm.checkpoint.VqConfigJson;
import org.aimjvm.command.Console;
import org.aimjvm.command.ExitCode;
import org.aimjvm.command.Models;
import org.aimjvm.io.TensorSource;
import org.aimjvm.model.AimConfig;
import org.aimjvm.model.AimPresets;
import org.aimjvm.vq.VqConfig;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** {@code aim info}: what a model is made of. */
@Command(
        name = "info",
        description = "Print a model's configuration, exact parameter counts, element types and classes.")
public final class InfoCommand implements Callable<Integer> {
    private static final int LINE = 110;
    private static final JsonMapper JSON = new JsonMapper();

    @Spec private CommandSpec spec;

    @Parameters(
            arity = "0..1",
            paramLabel = "MODEL",
            description = "Model folder, file of weights, or name of an embedded model.") private String model;

    @Option(
            names = "--preset",
            paramLabel = "NAME",
            description = "A published architecture instead: aim-b, aim-l, aim-xl, aim-1b, vq-f16 or vq-f8.") private String preset;

    @Option(names = "--json", description = "Print JSON.") private boolean json;

    private Recipe recipe = Recipe.NONE;

    private final Console console;

    InfoCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() {
        if ((model == null) == (preset == null)) {
            throw new ParameterException(spec.commandLine(), "MODEL, --preset: " + (model == null ? "none" : "both")
                    + " given, expected one of the two");
        }
        ObjectNode info = preset != null ? ofPreset() : ofModel();
        if (json) {
            console.out().println(JSON.writerWithDefaultPrettyPrinter().writeValueAsString(info));
        } else {
            print(info);
        }
        return ExitCode.OK;
    }

    private ObjectNode ofPreset() {
        ObjectNode info = JSON.createObjectNode();
        if (VqConfig.presets().contains(preset)) {
            putTokenizer(info, VqConfig.preset(preset));
        } else if (AimPresets.names().contains(preset)) {
            putSequenceModel(info, AimPresets.get(preset));
        } else {
            throw new ParameterException(spec.commandLine(), "--preset: " + preset + ", expected one of "
                    + String.join(", ", AimPresets.names()) + ", " + String.join(", ", VqConfig.presets()));
        }
        putTotal(info);
        return info;
    }

    private ObjectNode ofModel() {
        try (ModelFolder folder = Models.open(model)) {
            folder.checkShapes();
            ObjectNode info = JSON.createObjectNode();
            if (folder.config() != null) {
                putSequenceModel(info, folder.config());
            }
            if (folder.hasTokenizer()) {
                putTokenizer(info, folder.vqConfig());
            }
            putTotal(info);
            ObjectNode types = info.putObject("elements_by_type");
            elementsByType(folder.tensors()).forEach(types::put);
            ModelInfo more = folder.info();
            recipe = more.recipe();
            info.put("classes", folder.config() == null ? more.classNames().size() : folder.config().numClasses());
            more.classNames().forEach(info.putArray("class_names")::add);
            info.set("settings", JSON.readTree(more.toJson()));
            info.withObject("settings").remove("classes");
            return info;
        }
    }

    private static Map<String, Long> elementsByType(TensorSource tensors) {
        Map<String, Long> elements = new TreeMap<>();
        for (String name : tensors.names()) {
            elements.merge(tensors.storedAs(name), (long) tensors.info(name).shape().size(), Long::sum);
        }
        return elements;
    }

    private static void putSequenceModel(ObjectNode info, AimConfig config) {
        put(info.putObject("sequence_model"), ParameterCounts.of(config), AimConfigJson.toJson(config));
    }

    private static void putTokenizer(ObjectNode info, VqConfig config) {
        put(info.putObject("tokenizer"), ParameterCounts.of(config), VqConfigJson.toJson(config));
    }

    private static void put(ObjectNode node, ParameterCounts counts, String config) {
        node.put("parameters", counts.total());
        ObjectNode parts = node.putObject("parts");
        counts.parts().forEach(parts::put);
        node.set("config", JSON.readTree(config));
    }

    private static void putTotal(ObjectNode info) {
        long total = 0;
        for (String part : List.of("sequence_model", "tokenizer")) {
            total += info.has(part) ? info.get(part).get("parameters").asLong() : 0;
        }
        info.put("parameters", total);
    }

    private void print(ObjectNode info) {
        for (String part : List.of("sequence_model", "tokenizer")) {
            if (info.has(part)) {
                JsonNode node = info.get(part);
                line(part.replace('_', ' '), node.get("parameters").asLong());
                node.get("parts").properties().forEach(p -> line("  " + p.getKey(), p.getValue().asLong()));
                console.out().println("  " + node.get("config"));
            }
        }
        line("parameters", info.get("parameters").asLong());
        if (model == null) {
            return;
        }
        info.get("elements_by_type").properties().forEach(p -> line("stored as " + p.getKey(), p.getValue().asLong()));
        line("classes", info.get("classes").asLong());
        if (!info.get("class_names").isEmpty()) {
            List<String> names = info.get("class_names").valueStream().map(JsonNode::asString).toList();
            console.out().println("  " + String.join(", ", names));
        }
        JsonNode settings = info.get("settings");
        console.out().println("positions " + settings.get("position_rule").asString());
        console.out().println("defaults " + settings.get("defaults"));
        for (String line : recipe.lines()) {
            console.out().println("recipe " + wrapped(line));
        }
    }

    /** A long command goes on, indented, below itself. */
    private static String wrapped(String line) {
        StringBuilder text = new StringBuilder();
        int width = 0;
        for (String option : line.split(" (?=--)")) {
            boolean first = width == 0;
            boolean fits = width + option.length() < LINE;
            text.append(first ? "" : fits ? " " : "\n    ").append(option);
            width = first || fits ? width + option.length() + 1 : option.length() + 4;
        }
        return text.toString();
    }

    private void line(String what, long count) {
        console.out().printf(Locale.ROOT, "%-24s %,15d%n", what, count);
    }
}
