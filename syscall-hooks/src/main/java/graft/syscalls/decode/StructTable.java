package graft.syscalls.decode;

import graft.syscalls.ArgumentKind;
import graft.syscalls.TableFile;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** How structures are laid out, from the file {@code structs}. */
public final class StructTable {
    private final Map<String, Layout> layouts;

    private StructTable(Map<String, Layout> layouts) {
        this.layouts = Map.copyOf(layouts);
    }

    /** A structure: its size in bytes and what is shown of it. */
    record Layout(int size, List<Member> members) {
        Layout {
            members = List.copyOf(members);
        }
    }

    /** A member; {@code ...} stands for those that are left out. */
    record Member(String name, MemberKind kind, int offset, int width) {}

    /** What a member is: what an argument may be, or one of two kinds that only structures have. */
    sealed interface MemberKind {
        /** As an argument. */
        record Plain(ArgumentKind kind) implements MemberKind {}

        /** An unsigned number of 32 bits. */
        record Unsigned32() implements MemberKind {}

        /** A limit, which may be infinite. */
        record Limit() implements MemberKind {}

        /** Characters. */
        record Characters() implements MemberKind {}

        /** Members that are not shown. */
        record Rest() implements MemberKind {}
    }

    /** The structures that graft was built with. */
    public static StructTable packaged() {
        Map<String, Layout> layouts = new HashMap<>();
        String name = "";
        int size = 0;
        List<Member> members = new ArrayList<>();
        for (String line : TableFile.lines("structs")) {
            if (line.startsWith("  ")) {
                members.add(member(line.strip()));
            } else {
                layouts.put(name, new Layout(size, members));
                String[] words = line.split(" ");
                name = words[0];
                size = Integer.parseInt(words[1]);
                members.clear();
            }
        }
        layouts.put(name, new Layout(size, members));
        return new StructTable(layouts);
    }

    private static Member member(String line) {
        if (line.equals("...")) {
            return new Member(line, new MemberKind.Rest(), 0, 0);
        }
        String[] words = line.split(" ");
        MemberKind kind = switch (words[1]) {
            case "udec4" -> new MemberKind.Unsigned32();
            case "limit" -> new MemberKind.Limit();
            case "text" -> new MemberKind.Characters();
            default -> new MemberKind.Plain(ArgumentKind.parse(words[1]));
        };
        return new Member(words[0], kind, Integer.parseInt(words[2]), Integer.parseInt(words[3]));
    }

    /** The size of a structure in bytes; nothing for one that is not known. */
    public Optional<Integer> size(String name) {
        return Optional.ofNullable(layouts.get(name)).map(Layout::size);
    }

    Layout layout(String name) {
        return Optional.ofNullable(layouts.get(name))
                .orElseThrow(() -> new IllegalArgumentException("no structure is named " + name));
    }
}
