package org.aimjvm.command;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import picocli.CommandLine;
import picocli.CommandLine.IFactory;

/** Makes command objects: a command whose constructor takes a {@link Console} gets the one of this run. */
public final class CommandFactory implements IFactory {
    private final Console console;
    private final IFactory plain = CommandLine.defaultFactory();

    public CommandFactory(Console console) {
        this.console = console;
    }

    @Override
    public <K> K create(Class<K> cls) throws Exception {
        for (Constructor<?> c : cls.getDeclaredConstructors()) {
            if (c.getParameterCount() == 1 && c.getParameterTypes()[0] == Console.class) {
                try {
                    c.setAccessible(true);
                    return cls.cast(c.newInstance(console));
                } catch (InvocationTargetException e) {
                    throw new IllegalStateException(cls.getSimpleName() + ": constructor failed", e.getCause());
                }
            }
        }
        return plain.create(cls);
    }
}
