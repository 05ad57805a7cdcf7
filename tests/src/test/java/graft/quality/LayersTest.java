package graft.quality;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The arrows between the modules, and the few powers that only one module has. */
@AnalyzeClasses(packages = "graft", importOptions = ImportOption.DoNotIncludeTests.class)
class LayersTest {
    private static final String CLI = "graft.cli..";
    private static final String LINKER = "java.lang.foreign.Linker";
    private static final String LOOKUP = "java.lang.foreign.SymbolLookup";

    @ArchTest
    static final ArchRule modulesUseOnlyWhatTheArrowsAllow = layeredArchitecture()
            .consideringOnlyDependenciesInLayers()
            .layer("tools")
            .definedBy(CLI)
            .layer("daemon")
            .definedBy("graft.daemon..")
            .layer("uprobe")
            .definedBy("graft.uprobe..")
            .layer("syscalls")
            .definedBy("graft.syscalls..")
            .layer("bridge")
            .definedBy("graft.bridge..")
            .layer("attach")
            .definedBy("graft.attach..")
            .layer("rewriter")
            .definedBy("graft.rewriter..")
            .layer("ebpf")
            .definedBy("graft.ebpf..")
            .layer("shim")
            .definedBy("graft.shim..")
            .layer("platform")
            .definedBy("graft.platform..")
            .whereLayer("tools")
            .mayNotBeAccessedByAnyLayer()
            .whereLayer("daemon")
            .mayOnlyBeAccessedByLayers("tools")
            .whereLayer("rewriter")
            .mayOnlyBeAccessedByLayers("attach", "uprobe", "syscalls", "bridge", "daemon", "tools")
            .whereLayer("ebpf")
            .mayOnlyBeAccessedByLayers("uprobe", "syscalls", "bridge", "daemon", "tools")
            .whereLayer("shim")
            .mayOnlyBeAccessedByLayers("attach", "daemon", "tools")
            .whereLayer("attach")
            .mayOnlyBeAccessedByLayers("uprobe", "syscalls", "bridge", "daemon", "tools")
            .whereLayer("uprobe")
            .mayOnlyBeAccessedByLayers("daemon", "tools")
            .whereLayer("syscalls")
            .mayOnlyBeAccessedByLayers("daemon", "tools")
            .whereLayer("bridge")
            .mayOnlyBeAccessedByLayers("daemon", "tools");

    /** One cycle is known: a session and the images of its targets name each other's requests and refusals. */
    @ArchTest
    static final ArchRule packagesHaveNoCycles = slices().matching("graft.(**)")
            .should()
            .beFreeOfCycles()
            .ignoreDependency(
                    JavaClass.Predicates.resideInAPackage("graft.daemon.image"),
                    JavaClass.Predicates.resideInAPackage("graft.daemon"));

    @ArchTest
    static final ArchRule onlyPlatformCallsNativeCode = noClasses()
            .that()
            .resideOutsideOfPackage("graft.platform..")
            .should()
            .dependOnClassesThat(named(LINKER, LOOKUP));

    @ArchTest
    static final ArchRule rewriterAndEbpfArePure = noClasses()
            .that()
            .resideInAnyPackage("graft.rewriter..", "graft.ebpf..")
            .and()
            .resideOutsideOfPackage("graft.ebpf.maps..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("graft.platform.linux..", "java.nio.file..", "java.util.concurrent..")
            .orShould()
            .callMethod(System.class, "nanoTime")
            .orShould()
            .callMethod(System.class, "currentTimeMillis");

    @ArchTest
    static final ArchRule onlyToolsWriteToTheTerminal = noClasses()
            .that()
            .resideOutsideOfPackage(CLI)
            .should()
            .accessField(System.class, "out")
            .orShould()
            .accessField(System.class, "err");

    private static DescribedPredicate<JavaClass> named(String... names) {
        return DescribedPredicate.describe(
                "are " + String.join(" or ", names),
                type -> java.util.List.of(names).contains(type.getName()));
    }
}
