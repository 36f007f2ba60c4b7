package org.aimjvm.cli.command;

import java.util.LinkedHashMap;
import java.util.Map;
import org.aimjvm.command.CommandProvider;

/** The commands of this module. */
public final class CliCommands implements CommandProvider {
    @Override
    public Map<String, Class<?>> commands() {
        Map<String, Class<?>> commands = new LinkedHashMap<>();
        commands.put("generate", GenerateCommand.class);
        commands.put("reconstruct", ReconstructCommand.class);
        commands.put("train", TrainCommand.class);
        commands.put("tokenize", TokenizeCommand.class);
        commands.put("recipe", RecipeCommand.class);
        commands.put("data", DataCommand.class);
        commands.put("evaluate", EvaluateCommand.class);
        commands.put("info", InfoCommand.class);
        commands.put("init", InitCommand.class);
        commands.put("convert", ConvertCommand.class);
        commands.put("verify", VerifyCommand.class);
        commands.put("bench", BenchCommand.class);
        commands.put("doctor", DoctorCommand.class);
        return commands;
    }
}
