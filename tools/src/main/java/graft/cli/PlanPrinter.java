package graft.cli;

import graft.attach.Injection;
import graft.cli.output.JsonWriter;
import graft.platform.address.RemoteAddress;
import graft.platform.layout.PoolConstants;
import graft.rewriter.Code;
import graft.rewriter.PatchPlan.CodeBlock;
import graft.rewriter.PatchSite;
import java.io.PrintWriter;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/** Prints what an attach would write: every site with its bytes, the moved instructions, the checks, the memory. */
final class PlanPrinter {
    private static final int KIB = 1024;

    private final PrintWriter out;
    private final Explainer explainer;

    /** Explains machine code as text; without a disassembler, nothing. */
    @FunctionalInterface
    interface Explainer {
        /** One line per instruction. */
        List<String> explain(Code code, RemoteAddress address);
    }

    PlanPrinter(PrintWriter out, Explainer explainer) {
        this.out = out;
        this.explainer = explainer;
    }

    /** For people. */
    void text(Injection injection) {
        for (PatchSite site : injection.plan().sites()) {
            text(site);
        }
        out.printf(
                "pid %d: %d sites, %d KiB of code pool, %d KiB of maps%n",
                injection.pid(),
                injection.plan().sites().size(),
                injection.pools().stream().mapToLong(Injection.Pool::size).sum() / KIB,
                injection.regions().stream().mapToLong(Injection.Region::size).sum() / KIB);
        out.printf(
                "  code at %s; undo: %d original bytes journalled%n",
                injection.pools().stream()
                        .map(pool -> pool.address().toString())
                        .toList(),
                injection.plan().sites().stream()
                        .mapToInt(site -> site.oldBytes().length())
                        .sum());
    }

    private void text(PatchSite site) {
        out.printf(
                "site %s  %s      %d bytes replaced, %d instructions moved, %s, %s%n",
                site.address(),
                site.symbol(),
                site.oldBytes().length(),
                site.moved().size(),
                words(site.tactic()),
                words(site.liveness()));
        out.printf(" - %s%n", site.oldBytes());
        out.printf(" + %s%s%n", site.newBytes(), explained(site.newBytes(), site.address()));
        for (PatchSite.MovedInsn moved : site.moved()) {
            out.printf(
                    "   moved %s to %s  %-24s%s%n",
                    moved.from(), moved.to(), moved.bytes(), explained(moved.bytes(), moved.from()));
        }
        site.checks().forEach(check -> out.printf("   check: %s%n", check));
    }

    private String explained(Code code, RemoteAddress address) {
        List<String> lines = explainer.explain(code, address);
        return lines.isEmpty() ? "" : "   " + String.join("; ", lines);
    }

    private static String words(Enum<?> constant) {
        return constant.name().toLowerCase(java.util.Locale.ROOT).replace('_', ' ');
    }

    /** For programs: one object a line: sites, then the code they reach, then all memory that would be mapped. */
    void jsonLines(Injection injection) {
        sites(injection);
        code(injection);
        for (Injection.Pool pool : injection.pools()) {
            memory(injection, pool.address().plus(-PoolConstants.RUNTIME_SIZE), PoolConstants.RUNTIME_SIZE, "runtime");
            memory(injection, pool.address(), pool.size(), "code");
        }
        for (Injection.Region region : injection.regions()) {
            memory(injection, region.address(), region.size(), "map " + region.name());
        }
    }

    private void memory(Injection injection, RemoteAddress address, long length, String purpose) {
        JsonWriter json =
                new JsonWriter().beginObject().member("type", "memory").member("pid", injection.pid());
        json.address("address", address.value()).member("length", length);
        out.println(json.member("purpose", purpose).endObject());
    }

    private void sites(Injection injection) {
        for (PatchSite site : injection.plan().sites()) {
            JsonWriter json = new JsonWriter();
            json.beginObject().member("type", "site").member("pid", injection.pid());
            json.address("address", site.address().value()).member("symbol", site.symbol());
            json.member("old", site.oldBytes().toString())
                    .member("new", site.newBytes().toString());
            json.member("tactic", words(site.tactic())).member("liveness", words(site.liveness()));
            json.name("moved").beginArray();
            for (PatchSite.MovedInsn moved : site.moved()) {
                json.beginObject().address("from", moved.from().value());
                json.address("to", moved.to().value())
                        .member("bytes", moved.bytes().toString())
                        .endObject();
            }
            json.endArray().name("checks").beginArray();
            site.checks().forEach(json::value);
            out.println(json.endArray().endObject());
        }
    }

    private void code(Injection injection) {
        for (CodeBlock block : injection.plan().code()) {
            JsonWriter json = new JsonWriter();
            json.beginObject().member("type", "code").member("pid", injection.pid());
            json.address("address", block.address().value())
                    .member("length", block.code().length());
            json.member("sha256", sha256(block.code().bytes()));
            out.println(json.member("purpose", block.purpose()).endObject());
        }
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException impossible) {
            throw new AssertionError("every Java has SHA-256", impossible);
        }
    }
}
