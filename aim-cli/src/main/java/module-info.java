/** The command line {@code aim}. A program, not a library: it exports nothing. */
module org.aimjvm.cli {
    requires org.aimjvm.command;
    requires org.aimjvm.eval;
    requires tools.jackson.databind;
    requires xchart;
    requires java.management;
    requires java.net.http;

    uses org.aimjvm.command.CommandProvider;

    opens org.aimjvm.cli to info.picocli;
    opens org.aimjvm.cli.command to info.picocli;
    opens org.aimjvm.cli.option to info.picocli;
}
