package graft.ebpf.object;

import java.util.List;

/** What became of an object file. */
public sealed interface LoadResult {
    /**
     * It was understood.
     *
     * @param notes what was ignored, for people
     */
    record Loaded(CollectionSpec spec, List<String> notes) implements LoadResult {}

    /**
     * It was not.
     *
     * @param where file, section, symbol or offset
     * @param why the reason
     * @param suggestion what to try
     */
    record Refused(Reason reason, String where, String why, String suggestion) implements LoadResult {
        /** Names in a damaged object may be empty. */
        public Refused {
            where = where.isBlank() ? "a part without a name" : where;
        }

        @Override
        public String toString() {
            return where + ": " + why + "\n  try: " + suggestion;
        }
    }

    /** Kinds of refusal. */
    enum Reason {
        NOT_AN_OBJECT,
        WRONG_MACHINE,
        NO_PROGRAMS,
        BAD_BTF,
        BAD_MAP,
        BAD_RELOCATION,
        BAD_INSTRUCTION,
        UNRESOLVED_EXTERN
    }
}
