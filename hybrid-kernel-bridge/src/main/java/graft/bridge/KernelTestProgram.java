package graft.bridge;

import graft.ebpf.insn.Insn;
import graft.ebpf.insn.InsnEncoder;
import graft.ebpf.insn.Wide;
import graft.ebpf.object.CollectionSpec;
import graft.ebpf.object.ProgSpec;
import graft.platform.linux.Bpf;
import graft.platform.linux.NativeFd;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * One program of an object, loaded only to be run by request, whatever its section says: the kernel's compiler as a
 * measure. The program may use maps but neither its context nor helpers of one kind of program. Owns program and maps.
 */
public final class KernelTestProgram implements AutoCloseable {
    /** A packet that socket filters accept to run on. */
    private static final byte[] PACKET = new byte[64];

    private final Map<String, KernelMap> maps;
    private final NativeFd fd;

    private KernelTestProgram(Map<String, KernelMap> maps, NativeFd fd) {
        this.maps = maps;
        this.fd = fd;
    }

    /**
     * Creates the maps that the program uses and loads the program.
     *
     * @throws graft.platform.linux.SysException when the kernel refuses
     */
    public static KernelTestProgram load(CollectionSpec object, ProgSpec program) {
        Map<String, KernelMap> maps = new LinkedHashMap<>();
        Optional<NativeFd> types = ObjectTypes.load(object);
        try {
            for (String name : mapsOf(program)) {
                maps.put(name, KernelMap.create(object.maps().get(name), types));
            }
            byte[] code = InsnEncoder.encode(program.insns(), new KernelSymbols(maps));
            Bpf.ProgAttributes attributes = new Bpf.ProgAttributes(
                    program.name(),
                    Bpf.PROG_TYPE_SOCKET_FILTER,
                    code,
                    program.license(),
                    CollectionLoader.functionTypes(types, program, 0));
            return new KernelTestProgram(maps, Bpf.progLoad(attributes));
        } catch (RuntimeException failed) {
            maps.values().forEach(KernelMap::close);
            throw failed;
        } finally {
            types.ifPresent(NativeFd::close);
        }
    }

    private static Set<String> mapsOf(ProgSpec program) {
        Set<String> names = new TreeSet<>();
        for (Insn insn : program.insns().insns()) {
            if (insn instanceof Insn.LoadWide(var _, Wide.MapPointer(String name))) {
                names.add(name);
            }
            if (insn instanceof Insn.LoadWide(var _, Wide.MapValue(String name, long _))) {
                names.add(name);
            }
        }
        return names;
    }

    /** The maps that the program uses, by name. */
    public Map<String, KernelMap> maps() {
        return Map.copyOf(maps);
    }

    /** Runs it {@code times}; nanoseconds of one run on average, as the kernel measures them. */
    public int run(int times) {
        return Bpf.progTestRun(fd, PACKET, times).nanoseconds();
    }

    @Override
    public void close() {
        fd.close();
        maps.values().forEach(KernelMap::close);
    }
}
