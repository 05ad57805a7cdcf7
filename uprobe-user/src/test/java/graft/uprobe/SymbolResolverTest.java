package graft.uprobe;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Resolves names in this JVM: a process with a C library and a large C++ library. */
class SymbolResolverTest {
    private final TargetModules modules =
            TargetModules.of((int) ProcessHandle.current().pid());
    private final SymbolResolver resolver = new SymbolResolver(modules);

    @AfterEach
    void close() {
        modules.close();
    }

    @Test
    void findsAFunctionByTheFileNameOfItsModule() {
        assertThat(resolve("uprobe:libc.so.6:getppid")).isInstanceOfSatisfying(Resolution.Found.class, found -> {
            AttachPoint point = found.points().getFirst();
            assertThat(found.points()).hasSize(1);
            assertThat(point.name()).isEqualTo("libc.so.6:getppid");
            assertThat(point.address()).isEqualTo(point.entry());
            assertThat(modules.holding(point.address()).orElseThrow().fileName())
                    .isEqualTo("libc.so.6");
        });
    }

    @Test
    void takesAVersionlessNameForTheMappedFile() {
        assertThat(resolve("uprobe:libc.so:getppid")).isInstanceOf(Resolution.Found.class);
    }

    @Test
    void expandsPatternsWithoutAliases() {
        assertThat(resolve("uprobe:libc.so.6:pthread_mutex_*"))
                .isInstanceOfSatisfying(Resolution.Found.class, found -> {
                    List<AttachPoint> points = found.points();
                    assertThat(points).hasSizeGreaterThan(5);
                    assertThat(points).extracting(AttachPoint::address).doesNotHaveDuplicates();
                });
    }

    @Test
    void findsNamesByARegularExpression() {
        assertThat(resolve("uprobe:libc.so.6:/^getp(p)?id$/"))
                .isInstanceOfSatisfying(
                        Resolution.Found.class,
                        found -> assertThat(found.points())
                                .extracting(AttachPoint::function)
                                .containsExactlyInAnyOrder("getpid", "getppid"));
    }

    @Test
    void patternsLeaveOutIndirectFunctions() {
        assertThat(resolve("uprobe:libc.so.6:strle?")).isInstanceOf(Resolution.NoSuchSymbol.class);
    }

    @Test
    void anIndirectFunctionIsWhatTheLoaderChose() {
        AttachPoint chosen = point("uprobe:libc.so.6:strlen");
        TargetModule libc = modules.holding(chosen.address()).orElseThrow();
        assertThat(libc.elf().functions().named("strlen"))
                .isNotEmpty()
                .noneMatch(resolver -> libc.remote(resolver.value()).equals(chosen.entry()));
    }

    @Test
    void suggestsNamesThatResembleTheOneAsked() {
        assertThat(resolve("uprobe:libc.so.6:getpidd"))
                .isInstanceOfSatisfying(
                        Resolution.NoSuchSymbol.class,
                        missing -> assertThat(missing.near()).contains("getpid"));
    }

    @Test
    void saysWhichFilesAreMapped() {
        assertThat(resolve("uprobe:libnothing.so:f"))
                .isInstanceOfSatisfying(
                        Resolution.NoSuchModule.class,
                        missing -> assertThat(missing.mapped()).anyMatch(path -> path.endsWith("/libjvm.so")));
    }

    @Test
    void takesAnAddressOfTheFileForAFunction() {
        AttachPoint byName = point("uprobe:libc.so.6:getppid");
        TargetModule libc = modules.holding(byName.address()).orElseThrow();
        long address = libc.virtual(byName.address()).value();
        assertThat(point("uprobe:libc.so.6:0x%x".formatted(address))).isEqualTo(byName);
        assertThat(point("uprobe:libc.so.6:0x%x".formatted(address + 1)))
                .isEqualTo(point("uprobe:libc.so.6:getppid+1"));
        assertThat(resolve("uretprobe:libc.so.6:0x%x".formatted(address + 1))).isInstanceOf(Resolution.NoCode.class);
        assertThat(resolve("uprobe:libc.so.6:0x10")).isInstanceOf(Resolution.NoCode.class);
    }

    private AttachPoint point(String probe) {
        assertThat(resolve(probe)).isInstanceOf(Resolution.Found.class);
        return ((Resolution.Found) resolve(probe)).points().getFirst();
    }

    @Test
    void refusesAnOffsetBehindTheFunction() {
        assertThat(resolve("uprobe:libc.so.6:getppid+0x10000")).isInstanceOf(Resolution.OutsideFunction.class);
    }

    private Resolution resolve(String text) {
        return switch (Probe.parse(text)) {
            case Probe.Parsed.Ok(Probe probe) -> resolver.resolve(probe);
            case Probe.Parsed.Malformed malformed -> throw new AssertionError(malformed);
        };
    }
}
