package graft.ebpf.btf;

import java.util.List;
import java.util.stream.Collectors;

/** A value ready to be printed: {@link #toString} is the form for people. */
public sealed interface FormattedValue {
    /** A number or truth value, written as JSON writes it. */
    record Number(String digits) implements FormattedValue {
        @Override
        public String toString() {
            return digits;
        }
    }

    /** A word, a text, an address or bytes. */
    record Text(String text) implements FormattedValue {
        @Override
        public String toString() {
            return text;
        }
    }

    /** Elements of an array. */
    record Sequence(List<FormattedValue> elements) implements FormattedValue {
        public Sequence {
            elements = List.copyOf(elements);
        }

        @Override
        public String toString() {
            return elements.stream().map(FormattedValue::toString).collect(Collectors.joining(", ", "[", "]"));
        }
    }

    /** Members of a struct or union. */
    record Record(List<Member> members) implements FormattedValue {
        public Record {
            members = List.copyOf(members);
        }

        @Override
        public String toString() {
            return members.stream()
                    .map(member -> member.name() + "=" + member.value())
                    .collect(Collectors.joining(" ", "{", "}"));
        }
    }

    /** One member; its name is empty for unnamed structs and unions. */
    record Member(String name, FormattedValue value) {}
}
