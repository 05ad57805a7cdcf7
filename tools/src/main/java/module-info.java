/** The graft command. */
module graft.tools {
    requires transitive graft.daemon;
    requires info.picocli;
    requires org.yaml.snakeyaml;
    requires java.management;
    requires graft.platform;
    // At run time for graft.platform, which runs the WebAssembly build of Keystone on it.
    requires run.endive.runtime;

    exports graft.cli;
    exports graft.cli.error;
    exports graft.cli.fuzz;
    exports graft.cli.load;
    exports graft.cli.map;
    exports graft.cli.option;
    exports graft.cli.output;
    exports graft.cli.policy;
    exports graft.cli.process;
    exports graft.cli.prog;
    exports graft.cli.bench;
    exports graft.cli.bench.maps;
    exports graft.cli.bench.vm;
    exports graft.cli.bpf;
    exports graft.cli.syscalls;
    exports graft.cli.tls;
    exports graft.cli.vm;

    opens graft.cli to
            info.picocli;
    opens graft.cli.option to
            info.picocli;
    opens graft.cli.fuzz to
            info.picocli;
    opens graft.cli.map to
            info.picocli;
    opens graft.cli.prog to
            info.picocli;
    opens graft.cli.vm to
            info.picocli;
}
