package graft.cli.map;

import graft.cli.option.HelpOptions;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code graft map}: maps of running sessions. */
@Command(
        name = "map",
        description = {
            "Maps of running sessions: looks at them and changes them while programs use them.",
            "MAP is a name, or GRAFT:NAME with the process id of the graft command where several have one; pin:NAME is a "
                    + "pinned map that no session uses. Keys and values are numbers, words or JSON, as graft map dump "
                    + "-o json shows them; of maps without types, 0x and bytes."
        },
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            MapListCommand.class,
            MapDumpCommand.class,
            MapGetCommand.class,
            MapSetCommand.class,
            MapDeleteCommand.class,
            MapWatchCommand.class
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  graft map list                         all maps of all sessions",
            "  graft map dump counts                  all that is in one",
            "  graft map get 4711:counts 3            one value, of the session of graft 4711",
            "  graft map set limits '{\"port\":80}' 9   from now on its programs see 9",
            "  graft map watch counts                 what changes in it"
        })
public final class MapCommand implements Runnable {
    @Mixin
    private HelpOptions console;

    /** For picocli. */
    public MapCommand() {}

    @Override
    public void run() {
        throw console.usageError("which command? see graft map --help");
    }
}
