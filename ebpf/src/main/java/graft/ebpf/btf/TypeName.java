package graft.ebpf.btf;

/** A type as C writes it: {@code u64}, {@code struct event}, {@code char[16]}, {@code struct event *}. */
public final class TypeName {
    private static final int MAX_DEPTH = 16;

    private TypeName() {}

    /** The name of type {@code id}; a struct without a name says so. */
    public static String of(Btf types, int id) {
        return of(types, id, 0);
    }

    private static String of(Btf types, int id, int depth) {
        if (depth > MAX_DEPTH) {
            return "...";
        }
        return switch (types.type(id)) {
            case BtfType.Modifier(var _, var target) -> of(types, target, depth + 1);
            case BtfType.Pointer(var target) -> of(types, target, depth + 1) + " *";
            case BtfType.Array(var element, var _, var count) -> of(types, element, depth + 1) + "[" + count + "]";
            case BtfType.Composite type ->
                (type.kind() == BtfType.Composite.Kind.STRUCT ? "struct " : "union ") + name(type);
            case BtfType.Forward type -> "struct " + name(type);
            case BtfType.Enumeration type -> "enum " + name(type);
            case BtfType.DataSection _ -> "global data";
            case BtfType.Prototype _ -> "function";
            case BtfType.Void _ -> "void";
            case BtfType.Int _,
                    BtfType.Float _,
                    BtfType.Typedef _,
                    BtfType.Function _,
                    BtfType.Variable _,
                    BtfType.DeclarationTag _ -> types.type(id).typeName();
        };
    }

    private static String name(BtfType type) {
        return type.typeName().isEmpty() ? "{...}" : type.typeName();
    }
}
