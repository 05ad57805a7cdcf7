import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassBuilder;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFile.ClassHierarchyResolverOption;
import java.lang.classfile.ClassFile.StackMapsOption;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.Label;
import java.lang.classfile.TypeKind;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.DirectMethodHandleDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.reflect.AccessFlag;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;

/**
 * Rewrites the classes of the jars in a folder so that a command starts sooner; they do the same. Run by the launcher on its
 * own copy: java setup/FastStart.java FOLDER
 *
 * <ul>
 *   <li>Java's AOT cache keeps no class that was compiled for Java 5, and such a class is verified by inference each time it
 *       is loaded: picocli's 171 get stack maps.
 *   <li>It keeps no switch over types and no equals or hashCode of a record either. Each is built at its first use, a class
 *       or a tree of method handles made at run time: a cold {@code graft tls} makes a hundred. They become methods.
 * </ul>
 */
final class FastStart {
    /** Java 8, the oldest that a current compiler writes without a warning. */
    private static final int VERSION = 52;

    private static final int FIRST_WITH_STACK_MAPS = 50;

    private static final ClassDesc SWITCHES = ClassDesc.of("java.lang.runtime.SwitchBootstraps");
    private static final ClassDesc RECORDS = ClassDesc.of("java.lang.runtime.ObjectMethods");
    private static final ClassDesc OBJECTS = ClassDesc.of("java.util.Objects");

    private final ClassFile classes;

    private FastStart(ClassFile classes) {
        this.classes = classes;
    }

    public static void main(String[] arguments) throws IOException {
        List<JarFile> jars = new ArrayList<>();
        try (Stream<Path> files = Files.list(Path.of(arguments[0]))) {
            for (Path file : files.filter(file -> file.toString().endsWith(".jar")).toList()) {
                jars.add(new JarFile(file.toFile()));
            }
        }
        ClassHierarchyResolver hierarchy = ClassHierarchyResolver.ofResourceParsing(type -> open(jars, type))
                .orElse(ClassHierarchyResolver.defaultResolver());
        FastStart rewriting = new FastStart(ClassFile.of(
                StackMapsOption.GENERATE_STACK_MAPS, ClassHierarchyResolverOption.of(hierarchy)));
        for (JarFile jar : jars) {
            rewriting.rewrite(jar);
        }
        for (JarFile jar : jars) {
            jar.close();
            Files.move(changed(jar), Path.of(jar.getName()), StandardCopyOption.ATOMIC_MOVE);
        }
    }

    private static Path changed(JarFile jar) {
        return Path.of(jar.getName() + ".new");
    }

    private void rewrite(JarFile from) throws IOException {
        try (JarOutputStream to = new JarOutputStream(Files.newOutputStream(changed(from)))) {
            for (JarEntry entry : Collections.list(from.entries())) {
                byte[] content = from.getInputStream(entry).readAllBytes();
                to.putNextEntry(new JarEntry(entry.getName()));
                to.write(entry.getName().endsWith(".class") ? rewritten(content) : content);
                to.closeEntry();
            }
        }
    }

    private byte[] rewritten(byte[] content) {
        ClassModel model = classes.parse(content);
        if (model.majorVersion() < FIRST_WITH_STACK_MAPS) {
            return withStackMaps(model);
        }
        DirectCalls direct = new DirectCalls(model);
        byte[] changed = classes.transformClass(
                model, ClassTransform.transformingMethodBodies(direct::replace).andThen(ClassTransform.endHandler(direct::add)));
        return direct.methods.isEmpty() ? content : changed;
    }

    private byte[] withStackMaps(ClassModel model) {
        ClassTransform version = (builder, element) -> {
            switch (element) {
                case ClassFileVersion _ -> builder.withVersion(VERSION, 0);
                default -> builder.with(element);
            }
        };
        // A body that is taken over whole keeps having none.
        ClassTransform bodies = ClassTransform.transformingMethodBodies((builder, element) -> builder.with(element));
        return classes.transformClass(model, version.andThen(bodies));
    }

    /** Where types meet, a stack map names their common superclass. */
    private static InputStream open(List<JarFile> jars, ClassDesc type) {
        String descriptor = type.descriptorString();
        String name = descriptor.substring(1, descriptor.length() - 1) + ".class";
        for (JarFile jar : jars) {
            JarEntry entry = jar.getJarEntry(name);
            if (entry != null) {
                try {
                    return jar.getInputStream(entry);
                } catch (IOException e) {
                    throw new UncheckedIOException("reading " + entry + " of " + jar.getName(), e);
                }
            }
        }
        return null;
    }

    /** A method in place of a call that is linked at run time. */
    private record Method(String name, MethodTypeDesc type, Consumer<CodeBuilder> body) {}

    /** The calls of one class. */
    private static final class DirectCalls {
        private final ClassDesc owner;
        private final boolean isInterface;
        private final List<Method> methods = new ArrayList<>();

        DirectCalls(ClassModel model) {
            this.owner = model.thisClass().asSymbol();
            this.isInterface = model.flags().has(AccessFlag.INTERFACE);
        }

        void replace(CodeBuilder code, CodeElement element) {
            if (!(element instanceof InvokeDynamicInstruction call)) {
                code.with(element);
                return;
            }
            DirectMethodHandleDesc bootstrap = call.bootstrapMethod();
            MethodTypeDesc type = call.typeSymbol();
            List<ConstantDesc> constants = call.bootstrapArgs();
            if (bootstrap.owner().equals(SWITCHES)
                    && bootstrap.methodName().equals("typeSwitch")
                    && constants.stream().allMatch(ClassDesc.class::isInstance)) {
                call(code, type, body -> choose(body, constants));
            } else if (bootstrap.owner().equals(RECORDS) && call.name().stringValue().equals("hashCode")) {
                call(code, type, body -> hash(body, constants));
            } else if (bootstrap.owner().equals(RECORDS) && call.name().stringValue().equals("equals")) {
                call(code, type, body -> compare(body, constants));
            } else {
                code.with(element);
            }
        }

        private void call(CodeBuilder code, MethodTypeDesc type, Consumer<CodeBuilder> body) {
            Method method = new Method("direct$" + methods.size(), type, body);
            methods.add(method);
            code.invokestatic(owner, method.name(), type, isInterface);
        }

        void add(ClassBuilder builder) {
            for (Method method : methods) {
                builder.withMethodBody(
                        method.name(),
                        method.type(),
                        ClassFile.ACC_PRIVATE | ClassFile.ACC_STATIC | ClassFile.ACC_SYNTHETIC,
                        method.body());
            }
        }

        /** (value, first label to look at) to the number of the label that fits; -1 for null. */
        private static void choose(CodeBuilder code, List<ConstantDesc> labels) {
            Label something = code.newLabel();
            code.aload(0).ifnonnull(something).iconst_m1().ireturn().labelBinding(something);
            for (int index = 0; index < labels.size(); index++) {
                Label next = code.newLabel();
                code.iload(1).loadConstant(index).if_icmpgt(next);
                code.aload(0).instanceOf((ClassDesc) labels.get(index)).ifeq(next);
                code.loadConstant(index).ireturn().labelBinding(next);
            }
            code.loadConstant(labels.size()).ireturn();
        }

        /** The constants of both: the class, the names, and a getter for each part. */
        private static List<DirectMethodHandleDesc> parts(List<ConstantDesc> constants) {
            return constants.stream()
                    .skip(2)
                    .map(DirectMethodHandleDesc.class::cast)
                    .toList();
        }

        private void hash(CodeBuilder code, List<ConstantDesc> constants) {
            code.iconst_0();
            for (DirectMethodHandleDesc part : parts(constants)) {
                ClassDesc type = part.invocationType().returnType();
                code.bipush(31).imul();
                load(code, 0, part);
                if (type.isPrimitive()) {
                    ClassDesc box = box(type);
                    code.invokestatic(box, "hashCode", MethodTypeDesc.of(ConstantDescs.CD_int, type));
                } else {
                    code.invokestatic(
                            OBJECTS, "hashCode", MethodTypeDesc.of(ConstantDescs.CD_int, ConstantDescs.CD_Object));
                }
                code.iadd();
            }
            code.ireturn();
        }

        private void compare(CodeBuilder code, List<ConstantDesc> constants) {
            Label differs = code.newLabel();
            code.aload(1).instanceOf(owner).ifeq(differs);
            for (DirectMethodHandleDesc part : parts(constants)) {
                ClassDesc type = part.invocationType().returnType();
                load(code, 0, part);
                load(code, 1, part);
                switch (TypeKind.from(type)) {
                    case BOOLEAN, BYTE, CHAR, SHORT, INT -> code.if_icmpne(differs);
                    case LONG -> code.lcmp().ifne(differs);
                    case FLOAT, DOUBLE ->
                        code.invokestatic(box(type), "compare", MethodTypeDesc.of(ConstantDescs.CD_int, type, type))
                                .ifne(differs);
                    default ->
                        code.invokestatic(
                                        OBJECTS,
                                        "equals",
                                        MethodTypeDesc.of(
                                                ConstantDescs.CD_boolean, ConstantDescs.CD_Object, ConstantDescs.CD_Object))
                                .ifeq(differs);
                }
            }
            code.iconst_1().ireturn().labelBinding(differs).iconst_0().ireturn();
        }

        private void load(CodeBuilder code, int slot, DirectMethodHandleDesc part) {
            code.aload(slot);
            if (slot > 0) {
                code.checkcast(owner); // declared as any object
            }
            code.getfield(owner, part.methodName(), part.invocationType().returnType());
        }

        private static ClassDesc box(ClassDesc primitive) {
            return switch (TypeKind.from(primitive)) {
                case BOOLEAN -> ConstantDescs.CD_Boolean;
                case BYTE -> ConstantDescs.CD_Byte;
                case CHAR -> ConstantDescs.CD_Character;
                case SHORT -> ConstantDescs.CD_Short;
                case INT -> ConstantDescs.CD_Integer;
                case LONG -> ConstantDescs.CD_Long;
                case FLOAT -> ConstantDescs.CD_Float;
                case DOUBLE -> ConstantDescs.CD_Double;
                default -> throw new IllegalArgumentException(primitive.displayName());
            };
        }
    }
}
