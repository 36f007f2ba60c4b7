package org.aimjvm.command;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;
import picocli.CommandLine.IVersionProvider;

/** Version of this build, from a resource that Maven fills in. */
public final class Version implements IVersionProvider {
    private static final String RESOURCE = "version.properties";

    /** E.g. {@code 0.1.0}. */
    public static String aim() {
        try (InputStream in = Version.class.getResourceAsStream(RESOURCE)) {
            if (in == null) {
                throw new IllegalStateException(RESOURCE + ": missing from the jar, expected beside Version.class");
            }
            Properties p = new Properties();
            p.load(in);
            return p.getProperty("version");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public String[] getVersion() {
        return new String[] {"aim " + aim(),
            "java " + Runtime.version() + " (" + System.getProperty("java.vm.vendor") + ")"};
    }
}
