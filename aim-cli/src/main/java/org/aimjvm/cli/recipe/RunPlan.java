package org.aimjvm.cli.recipe;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import org.aimjvm.command.Console;
import org.aimjvm.command.PictureData;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/**
 * What a run of a recipe does: the command lines of each section, checked as far as they can be without the data.
 */
public final class RunPlan {
    private static final String KIND = "kind";
    private static final String PATH = "path";
    private static final String VALIDATION = "validation";
    private static final String AVATARS = "avatars";
    private static final String FOLDER = "folder";
    private static final String PERCEPTUAL = "perceptual";
    private static final List<String> KINDS = List.of("fashion-mnist", AVATARS, FOLDER);

    /** Options that a run of training commands gets, to go on or to begin. */
    static final String RESUME = "--resume";

    /**
     * A section of a run.
     *
     * @param calls command lines after {@code aim}, one after the other
     * @param outputs what each call makes
     * @param needs sections whose outputs it works on, directly or not
     * @param decidedBy all that decides its numbers, by {@code SECTION.OPTION}: its own and those of sections before
     */
    record Stage(
            Section section, List<List<String>> calls, List<Path> outputs, Set<Section> needs,
            Map<String, Object> decidedBy) {}

    private final RecipeFile recipe;
    private final Path out;
    private final Path data;
    private final Path val;
    private final List<String> compute;
    private final Commands commands;
    private final Console console;
    private final Map<Section, Stage> stages = new EnumMap<>(Section.class);
    /** Options of pictures that the section data gives to every command that reads some. */
    private final Map<String, Setting> pictures = new LinkedHashMap<>();

    private Path trainPictures;
    private Path testPictures;

    /**
     * Plans a run.
     *
     * @param out the folder of the run
     * @param data pictures to take instead of those the recipe makes; may be {@code null}
     * @param val pictures to validate on with {@code data}; may be {@code null}
     * @param compute words such as {@code --threads=2} for the commands that compute
     * @throws IllegalArgumentException naming file and line of what is wrong
     */
    public RunPlan(
            RecipeFile recipe, Path out, Path data, Path val, List<String> compute, Commands commands,
            Console console) {
        this.recipe = recipe;
        this.out = out;
        this.data = data;
        this.val = val;
        this.compute = List.copyOf(compute);
        this.commands = Objects.requireNonNull(commands, "commands");
        this.console = console;
        requireSections();
        planData();
        for (Section section : recipe.sections().keySet()) {
            if (section != Section.DATA) {
                plan(section);
            }
        }
    }

    /** Whether a recipe leaves open where its pictures are. */
    public static boolean needsPictures(RecipeFile recipe) {
        Map<String, Setting> data = recipe.sections().getOrDefault(Section.DATA, Map.of());
        return data.containsKey(KIND) && data.get(KIND).text().equals(FOLDER) && !data.containsKey(PATH);
    }

    /** The stages in order. */
    List<Stage> stages() {
        return List.copyOf(stages.values());
    }

    /** The command lines, in order. */
    public List<String> commandLines() {
        return stages().stream().flatMap(s -> s.calls().stream()).map(words -> "aim " + String.join(" ", words))
                .toList();
    }

    /** The folder of the run. */
    Path out() {
        return out;
    }

    /** The recipe. */
    RecipeFile recipe() {
        return recipe;
    }

    /** The model that the run makes: exported, else as trained, else the tokenizer. */
    Path model() {
        if (has(Section.EXPORT)) {
            return out.resolve(Section.EXPORT.folder());
        }
        return trained(latest());
    }

    /** The last section that trains a part of the model. */
    private Section latest() {
        return has(Section.DECODER) ? Section.DECODER : has(Section.MODEL) ? Section.MODEL : Section.TOKENIZER;
    }

    private Path trained(Section section) {
        return out.resolve(section.folder()).resolve("model");
    }

    private boolean has(Section section) {
        return recipe.sections().containsKey(section);
    }

    private void requireSections() {
        if (!has(Section.DATA)) {
            throw new IllegalArgumentException(recipe.path() + ": no section data (expected one with kind: "
                    + String.join(", ", KINDS) + ")");
        }
        require(Section.FEATURES, Section.TOKENIZER);
        require(Section.CODES, Section.TOKENIZER);
        require(Section.MODEL, Section.CODES);
        require(Section.DECODER, Section.MODEL);
        require(Section.EXPORT, Section.MODEL);
        require(Section.EVALUATE, Section.TOKENIZER);
    }

    private void require(Section section, Section needed) {
        if (has(section) && !has(needed)) {
            throw new IllegalArgumentException(recipe.path() + ": section " + section.key() + " without section "
                    + needed.key() + " (expected both)");
        }
    }

    /** The sections that this one works on what they made. */
    private List<Section> before(Section section) {
        List<Section> before = switch (section) {
            case DATA -> List.of();
            case FEATURES, JUDGE -> List.of(Section.DATA);
            case TOKENIZER -> List.of(Section.DATA, Section.FEATURES);
            case CODES -> List.of(Section.TOKENIZER);
            case MODEL -> List.of(Section.CODES);
            case DECODER -> List.of(Section.FEATURES, Section.MODEL);
            case EXPORT -> List.of(latest());
            case EVALUATE -> List.of(has(Section.EXPORT) ? Section.EXPORT : latest(), Section.JUDGE);
        };
        return before.stream().filter(stages::containsKey).toList();
    }

    private void planData() {
        Map<String, Setting> settings = new LinkedHashMap<>(recipe.sections().get(Section.DATA));
        Setting kind = settings.remove(KIND);
        if (kind == null || !KINDS.contains(kind.text())) {
            throw kind == null
                    ? new IllegalArgumentException(recipe.path() + ": section data without kind (expected one of "
                            + String.join(", ", KINDS) + ")")
                    : kind.wrong("kind: " + kind.text() + " (expected one of " + String.join(", ", KINDS) + ")");
        }
        takePictures(kind.text(), settings);
        if (kind.text().equals(FOLDER)) {
            planFolder(settings);
            return;
        }
        boolean drawn = kind.text().equals(AVATARS);
        Setting validation = drawn ? settings.remove(VALIDATION) : null;
        Path made = out.resolve(Section.DATA.folder());
        List<List<String>> calls = new ArrayList<>();
        List<Path> outputs = new ArrayList<>();
        Path train = drawn ? made.resolve("train") : made;
        addData(calls, kind.text(), settings, train, List.of());
        outputs.add(train);
        if (validation != null) {
            Map<String, Setting> other = new LinkedHashMap<>(settings);
            other.put("count", validation);
            outputs.add(made.resolve("val"));
            addData(calls, kind.text(), other, made.resolve("val"), List.of("--split=val"));
        }
        if (data != null) {
            trainPictures = data;
            testPictures = val;
            return;
        }
        trainPictures = train;
        testPictures = val != null ? val : validation == null ? null : made.resolve("val");
        Map<String, Object> decidedBy = new LinkedHashMap<>();
        decidedBy.put("data.kind", kind.text());
        for (int i = 0; i < calls.size(); i++) {
            String prefix = i == 0 ? "data." : "data.validation.";
            commands.options(console, calls.get(i)).forEach((name, value) -> decidedBy.put(prefix + name, value));
        }
        stages.put(Section.DATA, new Stage(Section.DATA, calls, outputs, Set.of(), decidedBy));
    }

    /** Moves what says how pictures are read; what the command that makes them has too stays as well. */
    private void takePictures(String kind, Map<String, Setting> settings) {
        CommandSpec makes = kind.equals(FOLDER) ? null : commands.spec(console, List.of("data", kind));
        CommandSpec reads = commands.spec(console, Section.TOKENIZER.command());
        for (String name : List.copyOf(settings.keySet())) {
            OptionSpec option = reads.findOption("--" + name);
            if (option != null && PictureData.has(option) && !Section.TOKENIZER.isSetByRun(name)) {
                pictures.put(name, settings.get(name));
                if (makes == null || makes.findOption("--" + name) == null) {
                    settings.remove(name);
                }
            }
        }
    }

    private void addData(
            List<List<String>> calls, String kind, Map<String, Setting> settings, Path folder, List<String> more) {
        List<String> command = List.of("data", kind);
        List<String> words = words(Section.DATA, command, settings);
        words.addAll(more);
        words.add("--out=" + folder);
        check(command, words, settings);
        calls.add(words);
    }

    private void planFolder(Map<String, Setting> settings) {
        Setting path = settings.remove(PATH);
        Setting validation = settings.remove(VALIDATION);
        settings.forEach((name, setting) -> {
            throw setting.wrong(name + ": unknown (expected " + PATH + ", " + VALIDATION
                    + " or an option of pictures in section data of kind folder)");
        });
        if (data == null && path == null) {
            throw new IllegalArgumentException("--data: not given, and " + recipe.path()
                    + " names no pictures (expected one of the two)");
        }
        trainPictures = data != null ? data : Path.of(path.text());
        testPictures = val != null ? val
                : data != null || validation == null ? null : Path.of(validation.text());
    }

    private void plan(Section section) {
        Map<String, Setting> settings = new LinkedHashMap<>(recipe.sections().get(section));
        if (readsPictures(section)) {
            pictures.forEach(settings::putIfAbsent);
        }
        List<String> words = words(section, section.command(), settings);
        Path folder = out.resolve(section.folder());
        Path made = folder;
        switch (section) {
            case FEATURES, TOKENIZER, JUDGE -> {
                addPictures(words);
                if (section == Section.TOKENIZER) {
                    addFeatures(section, words, settings);
                }
                words.add("--out=" + folder);
                made = trained(section);
            }
            case CODES -> {
                words.add("--model=" + trained(Section.TOKENIZER));
                addPictures(words);
                words.add("--out=" + folder);
            }
            case MODEL -> {
                words.add("--data=" + out.resolve(Section.CODES.folder()));
                words.add("--tokenizer=" + trained(Section.TOKENIZER));
                words.add("--out=" + folder);
                made = trained(section);
            }
            case DECODER -> {
                words.add("--model=" + trained(Section.MODEL));
                addPictures(words);
                addFeatures(section, words, settings);
                words.add("--out=" + folder);
                made = trained(section);
            }
            case EXPORT -> {
                words.add(trained(latest()).toString());
                words.add(folder.toString());
            }
            case EVALUATE -> {
                words.add("--model=" + model());
                addPictures(words);
                if (has(Section.JUDGE)) {
                    words.add("--judge=" + trained(Section.JUDGE));
                }
                words.add("--json=" + folder.resolve("evaluation.json"));
                made = folder.resolve("evaluation.json");
                if (has(Section.MODEL)) {
                    words.add("--neighbours=" + folder.resolve("neighbours.png"));
                }
            }
            case DATA -> throw new AssertionError(section);
        }
        if (section != Section.EXPORT) {
            words.addAll(compute);
        }
        Map<String, Object> options = check(section.command(), words, settings);
        Map<String, Object> decidedBy = new LinkedHashMap<>();
        Set<Section> needs = new LinkedHashSet<>();
        for (Section s : before(section)) {
            needs.addAll(stages.get(s).needs());
            needs.add(s);
            decidedBy.putAll(stages.get(s).decidedBy());
        }
        options.forEach((name, value) -> decidedBy.put(section.key() + "." + name, value));
        stages.put(section, new Stage(section, List.of(words), List.of(made), needs, decidedBy));
    }

    private static boolean readsPictures(Section section) {
        return switch (section) {
            case FEATURES, TOKENIZER, CODES, DECODER, JUDGE, EVALUATE -> true;
            case DATA, MODEL, EXPORT -> false;
        };
    }

    private void addFeatures(Section section, List<String> words, Map<String, Setting> settings) {
        if (has(Section.FEATURES)) {
            if (settings.containsKey(PERCEPTUAL)) {
                throw settings.get(PERCEPTUAL)
                        .wrong(section.key() + "." + PERCEPTUAL + ": given with section "
                                + Section.FEATURES.key() + " (expected one of the two)");
            }
            words.add("--" + PERCEPTUAL + "=features=" + trained(Section.FEATURES));
        }
    }

    private void addPictures(List<String> words) {
        words.add("--data=" + trainPictures);
        if (testPictures != null) {
            words.add("--val=" + testPictures);
        }
    }

    private List<String> words(Section section, List<String> command, Map<String, Setting> settings) {
        settings.forEach((name, setting) -> {
            if (section.isSetByRun(name)) {
                throw setting.wrong(section.key() + "." + name
                        + ": given in a recipe (leave it out, a run sets it itself)");
            }
        });
        CommandSpec spec = commands.spec(console, command);
        List<String> words = new ArrayList<>(command);
        words.addAll(SettingWords.of(spec, settings));
        return words;
    }

    /** Parses a command line; a complaint names the line of the recipe that the option stands on. */
    private Map<String, Object> check(List<String> command, List<String> words, Map<String, Setting> settings) {
        try {
            return commands.options(console, words);
        } catch (ParameterException e) {
            String message = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
            for (Map.Entry<String, Setting> setting : settings.entrySet()) {
                if (Pattern.compile("--" + Pattern.quote(setting.getKey()) + "(?![\\w-])").matcher(message).find()) {
                    throw setting.getValue().wrong(message + " ('aim " + String.join(" ", command)
                            + " --help' explains)");
                }
            }
            throw new IllegalArgumentException(recipe.path() + ": " + String.join(" ", command) + ": " + message
                    + " ('aim " + String.join(" ", command) + " --help' explains)", e);
        }
    }
}
