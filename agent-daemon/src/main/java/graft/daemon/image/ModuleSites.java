package graft.daemon.image;

import graft.platform.address.ElfVirtualAddress;
import graft.platform.address.RemoteAddress;
import graft.platform.elf.FunctionBounds;
import graft.platform.linux.ProcMem;
import graft.platform.linux.SysException;
import graft.rewriter.plan.FunctionRange;
import graft.syscalls.SyscallSite;
import graft.syscalls.SyscallSites;
import graft.uprobe.TargetModule;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The system calls of files. A file is decoded once: every program that is executed has the same loader and library. */
public final class ModuleSites {
    private static final int KEPT = 256;
    private static final float LOAD_FACTOR = 0.75f;
    /** A patch next to a call reaches no further. */
    private static final int AROUND = 16;

    private static final Map<FileKey, Known> KNOWN = // guarded by itself
            new LinkedHashMap<>(KEPT, LOAD_FACTOR, true) {
                private static final long serialVersionUID = 1L;

                @Override
                protected boolean removeEldestEntry(Map.Entry<FileKey, Known> eldest) {
                    return size() > KEPT;
                }
            };

    private ModuleSites() {}

    /** What there is in a file, as if it were loaded at 0. */
    private record Known(List<SyscallSite> sites, Optional<FunctionBounds.Bounds> cancelHandler) {}

    /** The handler by which it cancels threads, where it is loaded. */
    static Optional<FunctionRange> cancelHandler(TargetModule module) {
        return inFile(module)
                .cancelHandler()
                .map(handler -> new FunctionRange(
                        "the handler of cancellations", module.remote(handler.start()), handler.size()));
    }

    /** Those of a module, where it is loaded. */
    static List<SyscallSite> of(TargetModule module) {
        return inFile(module).sites().stream().map(site -> loaded(site, module)).toList();
    }

    private static Known inFile(TargetModule module) {
        FileKey key = FileKey.of(module);
        synchronized (KNOWN) {
            Known known = KNOWN.get(key);
            if (known != null) {
                return known;
            }
        }
        Known found = new Known(SyscallSites.of(module.elf(), 0).sites(), CancelHandler.in(module.elf()));
        synchronized (KNOWN) {
            KNOWN.put(key, found);
        }
        return found;
    }

    private static SyscallSite loaded(SyscallSite site, TargetModule module) {
        long bias = module.loadBias();
        return new SyscallSite(
                site.function(),
                site.regionStart().plus(bias),
                site.regionEnd().plus(bias),
                site.address().plus(bias),
                site.number(),
                site.stack());
    }

    /** Whether a module makes no system calls. */
    public static boolean makesNone(TargetModule module) {
        return inFile(module).sites().isEmpty();
    }

    /** Whether a module makes system calls and none of them is hooked. */
    public static boolean areFree(TargetModule module, ProcMem memory) {
        List<SyscallSite> sites = of(module);
        return !sites.isEmpty() && sites.stream().allMatch(site -> isFree(site, module, memory));
    }

    private static boolean isFree(SyscallSite site, TargetModule module, ProcMem memory) {
        RemoteAddress start = later(site.regionStart(), site.address().plus(-AROUND));
        RemoteAddress end = site.end().plus(AROUND);
        int size = (int) (end.compareTo(site.regionEnd()) > 0 ? site.regionEnd() : end).minus(start);
        try {
            ElfVirtualAddress inFile = module.virtual(start);
            return Arrays.equals(memory.readBytes(start, size), module.elf().bytesAt(inFile, size));
        } catch (SysException _) {
            return false; // not mapped as the file says, or not any more
        }
    }

    private static RemoteAddress later(RemoteAddress a, RemoteAddress b) {
        return a.compareTo(b) > 0 ? a : b;
    }
}
