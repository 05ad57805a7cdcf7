package graft.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnList;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.ProgSpec;
import graft.ebpf.object.SectionName;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What graft makes of the section names that libbpf knows. */
class SectionLinksTest {
    private static ProgSpec program(String section) {
        SectionName name = SectionName.of(section);
        InsnList insns = InsnList.of(new Insn.Exit());
        return new ProgSpec("on_event", section, name.type(), name.target(), insns, List.of(), List.of(), "GPL");
    }

    private static SectionLinks links(String... sections) {
        Map<String, ProgSpec> programs = new LinkedHashMap<>();
        for (String section : sections) {
            programs.put(section, program(section));
        }
        return SectionLinks.of(new CollectionSpec("object", Map.of(), programs, Optional.empty()));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "uprobe/libc.so.6:malloc",
                "uprobe.s/libc.so.6:malloc",
                "uprobe//usr/bin/bash:readline+0x10",
                "uretprobe/libc.so.6:malloc",
                "uretprobe.s/libc.so.6:malloc",
                "uprobe.multi/libc.so.6:mem*",
                "uprobe.multi.s/libc.so.6:mem*",
                "uretprobe.multi/libc.so.6:mem*",
                "uretprobe.multi.s/libc.so.6:mem*",
                "uprobe.session/libc.so.6:/^mem(cpy|move)$/",
                "uprobe.session.s/libc.so.6:malloc",
                "tracepoint/syscalls/sys_enter_openat",
                "tp/syscalls/sys_exit_openat",
                "tp/raw_syscalls/sys_enter",
                "tracepoint/raw_syscalls/sys_exit",
                "raw_tp/sys_enter",
                "raw_tracepoint/sys_exit",
                "ksyscall/openat",
                "kretsyscall/openat"
            })
    void attachesInProcesses(String section) {
        assertThat(links(section).links()).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"uprobe", "uretprobe.s", "uprobe.multi"})
    void asksForThePlaceOfProbesWithoutOne(String section) {
        assertThat(links(section).unplaced()).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"tracepoint/sched/sched_switch", "tp/sched/sched_wakeup", "?uprobe/libc.so.6:malloc"})
    void leavesToTheKernelOrToTheUser(String section) {
        assertThat(links(section)).isEqualTo(new SectionLinks(List.of(), List.of(), List.of()));
    }

    @ParameterizedTest
    @CsvSource({
        "kprobe/do_unlinkat, --attach on_event",
        "kretprobe.multi/do_*, --attach on_event",
        "kprobe.session/do_*, --attach on_event",
        "tp_btf/sys_exit, SEC(\"raw_tp/sys_exit\")",
        "raw_tracepoint.w/sched_switch, --without on_event",
        "tp_btf/sched_switch, SEC(\"tracepoint/CATEGORY/sched_switch\")",
        "fentry/do_unlinkat, --without on_event",
        "fexit.s/do_unlinkat, --without on_event",
        "fmod_ret/bpf_modify_return_test, --without on_event",
        "freplace/other, --without on_event",
        "lsm/file_open, --without on_event",
        "lsm_cgroup/socket_bind, --without on_event",
        "iter/task, bpftool iter pin",
        "perf_event, a uprobe",
        "syscall, bpftool prog run",
        "xdp, --without on_event",
        "xdp.frags/cpumap, --without on_event",
        "tc, --without on_event",
        "tcx/ingress, --without on_event",
        "classifier, --without on_event",
        "socket, --without on_event",
        "sk_msg, --without on_event",
        "sockops, --without on_event",
        "netfilter, --without on_event",
        "cgroup/connect4, --without on_event",
        "cgroup_skb/egress, --without on_event",
        "struct_ops.s/init, --without on_event",
        "lirc_mode2, --without on_event",
        "own_name, --attach on_event=uprobe:FILE:FUNCTION"
    })
    void saysWhyItDoesNotAttachAndWhatToTry(String section, String suggestion) {
        SectionLinks links = links(section);

        assertThat(links.links()).isEmpty();
        assertThat(links.obstacles()).singleElement().satisfies(obstacle -> {
            assertThat(obstacle.why()).isNotBlank();
            assertThat(obstacle.suggestion()).contains(suggestion);
        });
    }

    @Test
    void runsKernelProbesAtUprobesWhenItIsTold() {
        assertThat(AttachObstacle.canRunAtUprobes(program("kprobe/do_unlinkat")))
                .isTrue();
        assertThat(AttachObstacle.canRunAtUprobes(program("usdt"))).isTrue();
        assertThat(AttachObstacle.canRunAtUprobes(program("xdp"))).isFalse();
    }
}
