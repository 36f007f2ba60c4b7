/**
 * The command line {@code aim}. A program, not a library: it exports nothing, and is open because picocli fills
 * its fields.
 */
open module org.aimjvm.cli {
    requires org.aimjvm.command;
    requires org.aimjvm.eval;
    requires java.management;
    requires java.net.http;
    requires tools.jackson.databind;
    requires tools.jackson.dataformat.yaml;
    requires xchart;

    uses org.aimjvm.command.CommandProvider;
}
