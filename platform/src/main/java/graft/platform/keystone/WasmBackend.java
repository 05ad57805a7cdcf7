package graft.platform.keystone;

import java.nio.charset.StandardCharsets;
import run.endive.runtime.ExportFunction;
import run.endive.runtime.HostFunction;
import run.endive.runtime.ImportFunction;
import run.endive.runtime.ImportValues;
import run.endive.runtime.Instance;
import run.endive.runtime.Memory;
import run.endive.wasm.Parser;
import run.endive.wasm.WasmModule;
import run.endive.wasm.types.FunctionImport;
import run.endive.wasm.types.FunctionType;

/**
 * The WebAssembly build of Keystone 0.9.2 on Endive's interpreter. Its imports and exports have one-letter names, which
 * belong to exactly the checked file. It gets no files, no environment and no output.
 */
final class WasmBackend implements Backend {
    private static final long ARCH_X86 = 4;
    private static final long MODE_64 = 8;
    private static final long NOT_IMPLEMENTED = -52;
    private static final int OUT_SIZE = 16;

    private final Memory memory;
    private final Instance instance;
    private final ExportFunction assemble;
    private final int engine;
    private final int out;

    WasmBackend(byte[] file) {
        WasmModule module = Parser.parse(file);
        instance = Instance.builder(module).withImportValues(imports(module)).build();
        memory = instance.memory();
        call("v");
        assemble = instance.export("E");
        out = (int) call("G", OUT_SIZE);
        long error = call("A", ARCH_X86, MODE_64, out);
        if (error != 0) {
            throw new AssertionError("ks_open of the checked WebAssembly build gives " + error);
        }
        engine = memory.readInt(out);
    }

    private long call(String export, long... arguments) {
        long[] results = instance.export(export).apply(arguments);
        return results == null || results.length == 0 ? 0 : results[0];
    }

    private static ImportValues imports(WasmModule module) {
        ImportValues.Builder values = ImportValues.builder();
        for (int i = 0; i < module.importSection().importCount(); i++) {
            if (module.importSection().getImport(i) instanceof FunctionImport wanted) {
                values.addFunction(host(wanted.name(), module.typeSection().getType(wanted.typeIndex())));
            }
        }
        return values.build();
    }

    private static ImportFunction host(String name, FunctionType type) {
        boolean answers = !type.returns().isEmpty();
        return new HostFunction("a", name, type, (instance, arguments) -> {
            long answer = answer(name, instance.memory(), arguments);
            return answers ? new long[] {answer} : new long[0];
        });
    }

    private static long answer(String name, Memory memory, long[] arguments) {
        return switch (name) {
            case "a", "h", "t" -> throw new IllegalStateException("Keystone gave up (import " + name + ")");
            case "m" -> 0; // environ_get
            case "n" -> { // environ_sizes_get
                memory.writeI32((int) arguments[0], 0);
                memory.writeI32((int) arguments[1], 0);
                yield 0;
            }
            case "o" -> { // getcwd
                memory.writeCString((int) arguments[0], "/");
                yield 2;
            }
            case "s" -> { // resize_heap
                long missing = Integer.toUnsignedLong((int) arguments[0]) - (long) memory.pages() * Memory.PAGE_SIZE;
                int pages = (int) Math.max(0, Math.ceilDiv(missing, (long) Memory.PAGE_SIZE));
                yield memory.grow(pages) < 0 ? 0 : 1;
            }
            default -> NOT_IMPLEMENTED; // files: Keystone lives without them
        };
    }

    @Override
    public Output assemble(String text, long address) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int source = (int) call("G", bytes.length + 1L);
        memory.write(source, bytes);
        memory.writeByte(source + bytes.length, (byte) 0);
        try {
            if (assemble.apply(engine, source, address, out, out + 4L, out + 8L)[0] != 0) {
                return new Output.Error(memory.readCString((int) call("y", call("x", engine))));
            }
            int code = memory.readInt(out);
            byte[] result = memory.readBytes(code, memory.readInt(out + 4));
            call("D", code);
            return new Output.Code(result);
        } finally {
            call("H", source);
        }
    }

    @Override
    public String description() {
        return "Keystone 0.9.2 (WebAssembly)";
    }

    @Override
    public void close() {
        call("B", engine);
        call("H", out);
    }
}
