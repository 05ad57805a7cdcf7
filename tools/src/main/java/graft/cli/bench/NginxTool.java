package graft.cli.bench;

import java.util.Locale;

/** What nginx is traced by while it is measured. */
public enum NginxTool {
    /** All TLS traffic, captured and read. */
    TLS,
    /** Every system call, counted by number. */
    SYSCOUNT,
    /** Every file that is opened, counted by path. */
    OPENSNOOP;

    /** As users see it. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
