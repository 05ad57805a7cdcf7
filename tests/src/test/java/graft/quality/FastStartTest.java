package graft.quality;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeModel;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The launcher's rewriting of classes: what it writes does the same, and links nothing at its first use. */
class FastStartTest {
    private static final Path ROOT = Path.of(System.getProperty("graft.root"));

    @TempDir
    private Path folder;

    @Test
    void rewrittenClassesDoTheSame() throws Exception {
        rewrite();
        try (URLClassLoader loader =
                new URLClassLoader(new URL[] {jar().toUri().toURL()}, ClassLoader.getPlatformClassLoader())) {
            Class<?> rewritten = loader.loadClass(FastStartSample.class.getName());
            assertThat(rewritten.getClassLoader()).isSameAs(loader);
            assertThat(rewritten.getMethod("results").invoke(null)).isEqualTo(FastStartSample.results());
        }
    }

    @Test
    void noSwitchAndNoRecordIsLinkedAtRunTime() throws Exception {
        assertThat(linkedAtRunTime(sample())).contains("typeSwitch", "typeSwitch", "equals", "hashCode");
        rewrite();
        List<byte[]> classes = new ArrayList<>();
        try (JarFile files = new JarFile(jar().toFile())) {
            for (JarEntry entry : Collections.list(files.entries())) {
                classes.add(files.getInputStream(entry).readAllBytes());
            }
        }
        assertThat(classes).hasSameSizeAs(sample());
        assertThat(linkedAtRunTime(classes))
                .doesNotContain("equals", "hashCode")
                .containsOnlyOnce("typeSwitch"); // that over numbers stays
    }

    private Path jar() {
        return folder.resolve("sample.jar");
    }

    private void rewrite() throws IOException, InterruptedException {
        try (JarOutputStream to = new JarOutputStream(Files.newOutputStream(jar()))) {
            for (byte[] content : sample()) {
                String name = ClassFile.of().parse(content).thisClass().asInternalName();
                to.putNextEntry(new JarEntry(name + ".class"));
                to.write(content);
                to.closeEntry();
            }
        }
        Process java = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin/java").toString(),
                        ROOT.resolve("setup/FastStart.java").toString(),
                        folder.toString())
                .redirectErrorStream(true)
                .start();
        String said = new String(java.getInputStream().readAllBytes());
        assertThat(java.waitFor()).as(said).isZero();
    }

    /** The class files of {@link FastStartSample}. */
    private static List<byte[]> sample() throws IOException {
        Path home = Path.of(FastStartSample.class.getResource(".").getPath());
        List<byte[]> classes = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(home, "FastStartSample*.class")) {
            for (Path file : files) {
                classes.add(Files.readAllBytes(file));
            }
        }
        return classes;
    }

    private static List<String> linkedAtRunTime(List<byte[]> classes) {
        return classes.stream()
                .map(ClassFile.of()::parse)
                .map(ClassModel::methods)
                .flatMap(List::stream)
                .flatMap(method -> method.code().stream())
                .flatMap(CodeModel::elementStream)
                .filter(InvokeDynamicInstruction.class::isInstance)
                .map(InvokeDynamicInstruction.class::cast)
                .map(call -> call.name().stringValue())
                .toList();
    }
}
