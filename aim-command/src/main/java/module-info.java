/**
 * What the commands of {@code aim} share, and how a module brings commands of its own: implement {@link
 * org.aimjvm.command.CommandProvider} and provide it.
 */
module org.aimjvm.command {
    requires transitive org.aimjvm.core;
    requires transitive info.picocli;
    requires me.tongfei.progressbar;

    exports org.aimjvm.command;

    opens org.aimjvm.command to info.picocli;
}
