package graft.tests.command;

import graft.cli.Main;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;

/** One graft command line, run in this process. */
public record GraftRun(int status, String output, String errors) {
    public static GraftRun of(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int status = Main.run(new PrintWriter(out), new PrintWriter(err), arguments);
        return new GraftRun(status, out.toString(), err.toString());
    }

    public List<String> lines() {
        return output.lines().toList();
    }
}
