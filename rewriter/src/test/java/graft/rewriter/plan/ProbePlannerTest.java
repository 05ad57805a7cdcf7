package graft.rewriter.plan;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.address.RemoteAddress;
import graft.rewriter.Code;
import graft.rewriter.PatchSite;
import graft.rewriter.PatchSite.Liveness;
import graft.rewriter.PatchSite.Tactic;
import graft.rewriter.stub.ProbeCall;
import graft.rewriter.stub.ProbeKind;
import graft.rewriter.stub.ReturnRoutines;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

class ProbePlannerTest {
    private static final RemoteAddress TEXT = new RemoteAddress(0x400000);
    private static final RemoteAddress POOL = new RemoteAddress(0x500000);
    private static final RemoteAddress THUNK = new RemoteAddress(0x520000);
    private static final String PROLOGUE = "55 48 89 e5 48 83 ec 20";

    private final FakeSpace space = new FakeSpace(POOL);
    private final ProgramAtSite program = _ -> new ProbeCall(THUNK, TEXT, 0);

    @Test
    void displacesSeveralInstructionsWhenNothingJumpsBetweenThem() {
        PatchSite site = onlySite(entry(PROLOGUE + "31 c0 c9 c3"));

        assertThat(site.tactic()).isEqualTo(Tactic.WINDOW);
        assertThat(site.liveness()).isEqualTo(Liveness.STOP_REQUIRED);
        assertThat(site.oldBytes()).isEqualTo(Code.ofHex("55 48 89 e5 48"));
        assertThat(site.newBytes().at(0)).isEqualTo((byte) 0xe9);
        assertThat(site.moved())
                .extracting(PatchSite.MovedInsn::from)
                .containsExactly(TEXT, TEXT.plus(1), TEXT.plus(4));
    }

    @Test
    void replacesOneLongInstructionWithoutAStop() {
        PatchSite site = onlySite(entry("b8 01 00 00 00 c3"));

        assertThat(site.tactic()).isEqualTo(Tactic.SINGLE_INSN);
        assertThat(site.liveness()).isEqualTo(Liveness.NO_INNER_BOUNDARY);
    }

    @Test
    void leavesEndbr64InPlace() {
        PatchSite site = onlySite(entry("f3 0f 1e fa" + PROLOGUE + "c9 c3"));

        assertThat(site.address()).isEqualTo(TEXT.plus(4));
    }

    @Test
    void refusesAWindowThatALoopJumpsInto() {
        // push rbp; mov rbp,rsp; ... jmp to the mov
        assertThat(entry(PROLOGUE + "eb f7 c3")).isInstanceOfSatisfying(Planned.Refused.class, refused -> {
            assertThat(refused.reason()).isEqualTo(Planned.Reason.BRANCH_TARGET);
            assertThat(refused.why()).isEqualTo("a branch may land at 0x400001");
        });
    }

    @Test
    void refusesAWindowThatAnotherFunctionCallsInto() {
        // At 0x40000a: call 0x400004
        Planned planned = planner("55 48 89 e5 48 83 ec 20 c9 c3 e8 f5 ff ff ff c3", Unwinding.ABSENT)
                .function(function(10), List.of(program), List.of());

        assertThat(planned)
                .isInstanceOfSatisfying(
                        Planned.Refused.class,
                        refused -> assertThat(refused.reason()).isEqualTo(Planned.Reason.BRANCH_TARGET));
    }

    /** A program that may leave its function. */
    private static final ProgramAtSite OVERRIDING = new ProgramAtSite() {
        @Override
        public ProbeCall call(ProbeKind kind) {
            return new ProbeCall(THUNK, TEXT, 0, effect());
        }

        @Override
        public ProbeCall.Effect effect() {
            return ProbeCall.Effect.MAY_OVERRIDE;
        }
    };

    @Test
    void overridesAFunctionThatReturns() {
        assertThat(overriding("55 48 89 e5 48 83 ec 20 c9 c3", 10)).isInstanceOf(Planned.Patchable.class);
    }

    @Test
    void overridesAFunctionThatEndsWithAJumpToAnother() {
        assertThat(overriding("31 ff 89 f7 90 90 e9 01 00 00 00 c3 c3", 11)).isInstanceOf(Planned.Patchable.class);
    }

    @Test
    void doesNotOverrideAFunctionThatNeverReturns() {
        assertRefused(overriding("55 48 89 e5 48 83 ec 20 0f 0b", 10), "it never returns");
    }

    @Test
    void doesNotOverrideAFunctionThatPopsItsArguments() {
        assertRefused(overriding("55 48 89 e5 48 83 ec 20 c9 c2 08 00", 12), "it pops its arguments");
    }

    @Test
    void overridesAtEntriesOnly() {
        ProbePlanner planner = planner("55 48 89 e5 48 83 ec 20 c9 c3", Unwinding.ABSENT);
        FunctionRange function = new FunctionRange("f", TEXT, 10);
        assertRefused(planner.function(function, List.of(), List.of(OVERRIDING)), "at the entries of functions only");
        assertRefused(planner.offset(function, TEXT.plus(4), List.of(OVERRIDING)), "at the entries of functions only");
    }

    @Test
    void doesNotOverrideFunctionsOfGo() {
        ModuleText go = module("55 48 89 e5 48 83 ec 20 c9 c3", List.of(TEXT), Set.of(ModuleText.Trait.GO));
        assertRefused(
                planner(go, Unwinding.ABSENT)
                        .function(new FunctionRange("f", TEXT, 10), List.of(OVERRIDING), List.of()),
                "functions of Go");
    }

    private Planned overriding(String text, long size) {
        return planner(text, Unwinding.ABSENT)
                .function(new FunctionRange("f", TEXT, size), List.of(OVERRIDING), List.of());
    }

    private static void assertRefused(Planned planned, String why) {
        assertThat(planned).isInstanceOfSatisfying(Planned.Refused.class, refused -> {
            assertThat(refused.reason()).isEqualTo(Planned.Reason.OVERRIDE_NOT_SAFE);
            assertThat(refused.why()).contains(why);
        });
    }

    @Test
    void overwritesPaddingBehindAReturn() {
        PatchSite site = onlySite(entry("c3 90 90 90 90"));

        assertThat(site.address()).isEqualTo(TEXT);
        assertThat(site.moved()).hasSize(1);
    }

    @Test
    void refusesAFunctionThatIsTooShort() {
        assertThat(entry("90 c3 55"))
                .isInstanceOfSatisfying(
                        Planned.Refused.class,
                        refused -> assertThat(refused.reason()).isEqualTo(Planned.Reason.TOO_SHORT));
    }

    @Test
    void seesReturnsAtEveryExit() {
        // entry 8 bytes; xor ecx,ecx; xor esi,esi; ret; then a second exit with padding
        String body = PROLOGUE + "31 c9 31 f6 c3 31 c0 c3 0f 1f 00 90";
        Planned planned = planner(body, Unwinding.POSSIBLE).function(function(20), List.of(program), List.of(program));

        assertThat(planned)
                .isInstanceOfSatisfying(
                        Planned.Patchable.class,
                        patchable -> assertThat(patchable.sites())
                                .extracting(site -> site.address().minus(TEXT))
                                .containsExactly(0L, 8L, 15L));
    }

    @Test
    void wrapsAFunctionThatLeavesByATailJump() {
        String body = PROLOGUE + "c9 e9 00 10 00 00";
        Planned planned = planner(body, Unwinding.ABSENT).function(function(14), List.of(), List.of(program));

        assertThat(planned)
                .isInstanceOfSatisfying(
                        Planned.Patchable.class,
                        patchable -> assertThat(patchable.sites()).hasSize(1));
    }

    @Test
    void seesReturnsAtExitsWhenColdCodeComesBack() {
        // je cold; leave; ret; padding; cold: xor eax,eax; jmp to the leave
        String body = PROLOGUE + "0f 84 06 00 00 00 c9 c3 0f 1f 00 90" + "31 c0 eb f6";
        Planned planned = returnProbe(body);

        assertThat(onlySite(planned).address()).isEqualTo(TEXT.plus(15));
    }

    @Test
    void wrapsAFunctionWhoseColdCodeReturns() {
        // as above, but the cold code has its own leave and ret
        String body = PROLOGUE + "0f 84 06 00 00 00 c9 c3 0f 1f 00 90" + "31 c0 c9 c3";

        assertThat(onlySite(returnProbe(body)).address()).isEqualTo(TEXT);
    }

    /** In a function of 20 bytes, with another one behind it. */
    private Planned returnProbe(String body) {
        ModuleText module = module(body, List.of(TEXT, TEXT.plus(20)), Set.of());
        return planner(module, Unwinding.ABSENT).function(function(20), List.of(), List.of(program));
    }

    @Test
    void refusesToWrapWhereAnUnwinderMayWalkTheStack() {
        String body = PROLOGUE + "c9 e9 00 10 00 00";
        Planned planned = planner(body, Unwinding.POSSIBLE).function(function(14), List.of(), List.of(program));

        assertThat(planned).isInstanceOfSatisfying(Planned.Refused.class, refused -> {
            assertThat(refused.reason()).isEqualTo(Planned.Reason.RETURN_NOT_SAFE);
            assertThat(refused.why()).startsWith("it leaves by a jump at 0x400009");
        });
    }

    @Test
    void refusesToWrapAFunctionThatPopsItsArguments() {
        String body = PROLOGUE + "c2 08 00 e9 00 10 00 00";
        Planned planned = planner(body, Unwinding.ABSENT).function(function(16), List.of(), List.of(program));

        assertThat(planned)
                .isInstanceOfSatisfying(
                        Planned.Refused.class,
                        refused -> assertThat(refused.why()).contains("pops its arguments"));
    }

    @Test
    void takesAJumpThroughAPointerForAWayOut() {
        // leave; jmp *%rax
        String body = PROLOGUE + "c9 ff e0";
        assertThat(entry(body)).isInstanceOf(Planned.Patchable.class);

        Planned planned = planner(body, Unwinding.POSSIBLE).function(function(11), List.of(), List.of(program));
        assertThat(planned)
                .isInstanceOfSatisfying(
                        Planned.Refused.class,
                        refused ->
                                assertThat(refused.why()).startsWith("it may leave by an indirect jump at 0x400009"));
    }

    @Test
    void refusesWindowsBesideAJumpByADistanceThatIsNotUnderstood() {
        // lea 1(%rip),%rax, a label of the function; add (%rdi),%rax; jmp *%rax
        assertThat(entry(PROLOGUE + "48 8d 05 f5 ff ff ff 48 03 07 ff e0"))
                .isInstanceOfSatisfying(
                        Planned.Refused.class,
                        refused -> assertThat(refused.why()).contains("indirect jump at 0x400012"));
    }

    @Test
    void overwritesPaddingBetweenFunctions() {
        // ret; nops up to the next function, at 0x400010
        String body = "c3 66 2e 0f 1f 84 00 00 00 00 00 0f 1f 40 00 90" + "c3";
        ModuleText module = module(body, List.of(TEXT, TEXT.plus(16)), Set.of());
        Planned planned = planner(module, Unwinding.ABSENT).function(function(1), List.of(program), List.of());

        assertThat(onlySite(planned).address()).isEqualTo(TEXT);
    }

    @Test
    void leavesTheNextFunctionAloneWhenPaddingIsTooShort() {
        ModuleText module = module("c3 90 90 90 90 90 c3", List.of(TEXT, TEXT.plus(4)), Set.of());
        Planned planned = planner(module, Unwinding.ABSENT).function(function(1), List.of(program), List.of());

        assertThat(planned)
                .isInstanceOfSatisfying(
                        Planned.Refused.class,
                        refused -> assertThat(refused.reason()).isEqualTo(Planned.Reason.TOO_SHORT));
    }

    @Test
    void jumpsThroughPaddingWhereALoopLeavesNoRoom() {
        // xor eax,eax; loop: inc eax; cmp edi,eax; jne loop; ret; padding; the next function at 0x400010
        String body = "31 c0 ff c0 39 f8 75 fa c3 0f 1f 80 00 00 00 00" + "c3";
        ModuleText module = module(body, List.of(TEXT, TEXT.plus(16)), Set.of());

        Planned planned = planner(module, Unwinding.ABSENT).function(function(9), List.of(program), List.of());

        assertThat(planned).isInstanceOfSatisfying(Planned.Patchable.class, patchable -> {
            PatchSite site = patchable.sites().getFirst();
            PatchSite padding = patchable.sites().getLast();
            assertThat(site.tactic()).isEqualTo(Tactic.SHORT_JUMP);
            assertThat(site.newBytes()).isEqualTo(Code.ofHex("eb 07"));
            assertThat(site.moved()).extracting(PatchSite.MovedInsn::from).containsExactly(TEXT);
            assertThat(padding.address()).isEqualTo(TEXT.plus(9));
            assertThat(padding.newBytes().at(0)).isEqualTo((byte) 0xe9);
        });
    }

    @Test
    void noThreadComesToPaddingOfGo() {
        // lea (%rax,%rax,2),%rcx; movzbl (%rbx),%eax; add %rcx,%rax; ret; padding; the next function at 0x400020
        String body = "48 8d 0c 40 0f b6 03 48 01 c8 c3" + " cc".repeat(21) + "c3";
        ModuleText go = module(body, List.of(TEXT, TEXT.plus(32)), Set.of(ModuleText.Trait.GO));

        assertThat(planner(go, Unwinding.ABSENT)
                        .function(new FunctionRange("main.take", TEXT, 11), List.of(program), List.of()))
                .isInstanceOf(Planned.Refused.class);
        assertThat(planner(go, Unwinding.ABSENT)
                        .function(new FunctionRange("a_function_of_c", TEXT, 11), List.of(program), List.of()))
                .isInstanceOf(Planned.Patchable.class);
    }

    @Test
    void nobodyIsPreemptedInAssemblyOfGo() {
        // syscall; mov %eax,%edx; mov %edx,%ecx; nop; ret, and the same without the call
        String call = "0f 05" + "89 c2 89 d1 90 c3";
        String none = "89 c0" + "89 c2 89 d1 90 c3";

        assertThat(inside(call)).isInstanceOf(Planned.Patchable.class);
        assertThat(inside(none)).isInstanceOf(Planned.Refused.class);
    }

    /** At the second instruction of a function of Go, where three are replaced. */
    private Planned inside(String code) {
        ModuleText go = module(code, List.of(TEXT), Set.of(ModuleText.Trait.GO));
        return planner(go, Unwinding.ABSENT)
                .offset(new FunctionRange("time.now", TEXT, 8), TEXT.plus(2), List.of(program));
    }

    @Test
    void leavesPaddingAloneThatAJumpReaches() {
        // as above, but the loop's end jumps to the padding
        String body = "31 c0 ff c0 75 fc eb 01 c3 0f 1f 80 00 00 00 00" + "c3";
        ModuleText module = module(body, List.of(TEXT, TEXT.plus(16)), Set.of());

        Planned planned = planner(module, Unwinding.ABSENT).function(function(9), List.of(program), List.of());

        assertThat(planned).isInstanceOf(Planned.Refused.class);
    }

    /** inc %rdi; loop: dec %rdi; jne loop; ret; no padding; then a long function of {@code mov $1,%eax}. */
    private static ModuleText loopBesideCode(String beforeReturn) {
        String body = "48 ff c7 48 ff cf 75 fb c3" + "b8 01 00 00 00".repeat(8) + beforeReturn + "c3";
        return module(body, List.of(TEXT, TEXT.plus(9)), Set.of());
    }

    @Test
    void movesCodeNearbyToMakeRoomForTheJump() {
        Planned planned =
                planner(loopBesideCode(""), Unwinding.ABSENT).function(function(9), List.of(program), List.of());

        assertThat(planned).isInstanceOfSatisfying(Planned.Patchable.class, patchable -> {
            PatchSite site = patchable.sites().getFirst();
            PatchSite room = patchable.sites().getLast();
            assertThat(site.tactic()).isEqualTo(Tactic.NEIGHBOUR);
            assertThat(site.oldBytes()).isEqualTo(Code.ofHex("48 ff"));
            // Behind the first sixteen bytes of the next function.
            assertThat(room.address()).isEqualTo(TEXT.plus(9 + 20));
            assertThat(site.newBytes()).isEqualTo(Code.of(new byte[] {(byte) 0xeb, 9 + 20 + 5 - 2}));
            assertThat(room.oldBytes().length()).isEqualTo(10);
            assertThat(room.newBytes().at(0)).isEqualTo((byte) 0xe9);
            assertThat(room.newBytes().at(5)).isEqualTo((byte) 0xe9);
            assertThat(room.moved())
                    .extracting(PatchSite.MovedInsn::from)
                    .containsExactly(TEXT.plus(29), TEXT.plus(34));
            assertThat(room.liveness()).isEqualTo(Liveness.STOP_REQUIRED);
            // The moved instructions, and the jump back behind them.
            assertThat(space.blocks().getFirst().toString()).startsWith("b8 01 00 00 00 b8 01 00 00 00 e9");
        });
    }

    @Test
    void leavesCodeNearASystemCallWhereItIs() {
        Planned planned =
                planner(loopBesideCode("0f 05"), Unwinding.ABSENT).function(function(9), List.of(program), List.of());

        assertThat(planned).isInstanceOf(Planned.Refused.class);
    }

    @Test
    void movesNoCodeThatIsJumpedInto() {
        // the long function ends with a jump to its byte 25
        Planned planned =
                planner(loopBesideCode("eb ef"), Unwinding.ABSENT).function(function(9), List.of(program), List.of());

        assertThat(planned).isInstanceOf(Planned.Refused.class);
    }

    @Test
    void twoProbesMoveDifferentCode() {
        // the loop twice, then code
        String loop = "48 ff c7 48 ff cf 75 fb c3";
        String body = loop + loop + "b8 01 00 00 00".repeat(12) + "c3";
        ModuleText module = module(body, List.of(TEXT, TEXT.plus(9), TEXT.plus(18)), Set.of());
        ProbePlanner planner = planner(module, Unwinding.ABSENT);

        Planned first = planner.function(function(9), List.of(program), List.of());
        Planned second = planner.function(new FunctionRange("g", TEXT.plus(9), 9), List.of(program), List.of());

        assertThat(rooms(first, second)).containsExactly(TEXT.plus(38), TEXT.plus(48));
    }

    private static List<RemoteAddress> rooms(Planned... planned) {
        return java.util.Arrays.stream(planned)
                .map(one -> ((Planned.Patchable) one).sites().getLast().address())
                .toList();
    }

    @Test
    void twoFunctionsDoNotShareThePaddingBetweenThem() {
        // twice: xor eax,eax; loop: inc eax; cmp edi,eax; jne loop; ret; seven and no bytes of padding
        String loop = "31 c0 ff c0 39 f8 75 fa c3";
        ModuleText module = module(
                loop + "0f 1f 80 00 00 00 00" + loop + "c3", List.of(TEXT, TEXT.plus(16), TEXT.plus(25)), Set.of());
        ProbePlanner planner = planner(module, Unwinding.ABSENT);

        Planned first = planner.function(function(9), List.of(program), List.of());
        Planned second = planner.function(new FunctionRange("g", TEXT.plus(16), 9), List.of(program), List.of());

        assertThat(first).isInstanceOf(Planned.Patchable.class);
        assertThat(second)
                .isInstanceOfSatisfying(
                        Planned.Refused.class,
                        refused -> assertThat(refused.reason()).isEqualTo(Planned.Reason.BRANCH_TARGET));
    }

    @Test
    void refusesWindowsInPartsThatTablesOfOtherFunctionsLeadInto() {
        // f.cold; behind it the other function: lea 0x600000(%rip),%rax; ret
        String body = PROLOGUE + "31 c0 c9 c3" + "48 8d 05 ed ff 1f 00 c3";
        FunctionRange part = new FunctionRange("f.cold", TEXT, 12);

        assertThat(partWithTable(body, part, 0x400010))
                .as("the table leads to the other function")
                .isInstanceOf(Planned.Patchable.class);
        assertThat(partWithTable(body, part, 0x400001))
                .isInstanceOfSatisfying(
                        Planned.Refused.class,
                        refused -> assertThat(refused.why()).isEqualTo("a branch may land at 0x400001"));
    }

    /** A module whose table at 0x600000 has one distance, to {@code target}. */
    private Planned partWithTable(String body, FunctionRange part, int target) {
        RemoteAddress table = new RemoteAddress(0x600000);
        byte[] entry = ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(target - 0x600000)
                .array();
        ModuleText module = new ModuleText(
                "a.out",
                Code.ofHex(body).bytes(),
                TEXT,
                List.of(TEXT, TEXT.plus(12)),
                List.of(),
                (address, _) -> address.equals(table) ? entry : new byte[0],
                Set.of());
        return planner(module, Unwinding.ABSENT).function(part, List.of(program), List.of());
    }

    @Test
    void refusesWindowsThatAnAddressInTheCodeLeadsInto() {
        // mov $0x400001,%eax behind the function
        String body = PROLOGUE + "31 c0 c9 c3" + "b8 01 00 40 00 c3 90";
        ModuleText module = module(body, List.of(TEXT), Set.of(ModuleText.Trait.FIXED_ADDRESS));

        assertThat(planner(module, Unwinding.ABSENT).function(function(12), List.of(program), List.of()))
                .isInstanceOfSatisfying(
                        Planned.Refused.class,
                        refused -> assertThat(refused.reason()).isEqualTo(Planned.Reason.BRANCH_TARGET));
    }

    /** cmp 0x10(%r14),%rsp; jbe; sub $0x18,%rsp; mov %rbp,0x10(%rsp); ..., mov 0x10(%rsp),%rbp; add $0x18,%rsp; ret */
    private static final String GO_FUNCTION = "49 3b 66 10" + "76 16" + "48 83 ec 18" + "48 89 6c 24 10" + "31 c0"
            + "48 8b 6c 24 10" + "48 83 c4 18" + "c3 90" + "e8 00 00 00 00" + "eb dd";

    private Planned inGo(Function<ProbePlanner, Planned> asked) {
        return asked.apply(planner(module(GO_FUNCTION, List.of(TEXT), Set.of(ModuleText.Trait.GO)), Unwinding.ABSENT));
    }

    private static FunctionRange goFunction() {
        return new FunctionRange("main.work", TEXT, 35);
    }

    @Test
    void programsAtEntriesOfGoFunctionsRunBehindTheTestOfTheStack() {
        Planned planned = inGo(planner -> planner.function(goFunction(), List.of(program), List.of()));

        PatchSite site = ((Planned.Patchable) planned).sites().getFirst();
        assertThat(site.address()).isEqualTo(TEXT);
        assertThat(site.moved()).extracting(PatchSite.MovedInsn::from).containsExactly(TEXT, TEXT.plus(4));
        assertThat(space.blocks().getLast().toString()).startsWith("49 3b 66 10 0f 86");
    }

    @Test
    void oneInstructionMakesRoomAtReturnsOfGoFunctions() {
        Planned planned = inGo(planner -> planner.function(goFunction(), List.of(), List.of(program)));

        PatchSite site = ((Planned.Patchable) planned).sites().getFirst();
        assertThat(site.address()).isEqualTo(TEXT.plus(17));
        assertThat(site.newBytes().length()).isEqualTo(5);
    }

    @Test
    void placesThatNeedTwoInstructionsWhereGoroutinesArePreemptedAreRefused() {
        Planned planned = inGo(planner -> planner.offset(goFunction(), TEXT.plus(15), List.of(program)));

        assertThat(planned)
                .isInstanceOfSatisfying(
                        Planned.Refused.class,
                        refused -> assertThat(refused.why()).contains("a goroutine"));
    }

    @Test
    void poolsOfLowModulesAreNotAmongSmallNumbers() {
        PoolPlacement.Range module = new PoolPlacement.Range(new RemoteAddress(0x400000), new RemoteAddress(0x4c8000));
        PoolPlacement.Range heap = new PoolPlacement.Range(new RemoteAddress(0x4d0000), new RemoteAddress(0x500000));

        RemoteAddress chosen =
                PoolPlacement.choose(List.of(module, heap), module, 0x60000).orElseThrow();

        assertThat(chosen.value()).isGreaterThanOrEqualTo(1L << 24).isLessThan(1L << 30);
    }

    @Test
    void choosesTheSamePlaceForTheSameMappings() {
        PoolPlacement.Range module =
                new PoolPlacement.Range(new RemoteAddress(0x7f00_0000_0000L), new RemoteAddress(0x7f00_0010_0000L));
        List<PoolPlacement.Range> occupied = List.of(module);

        RemoteAddress chosen = PoolPlacement.choose(occupied, module, 0x60000).orElseThrow();

        assertThat(PoolPlacement.choose(occupied, module, 0x60000)).contains(chosen);
        assertThat(Math.abs(chosen.minus(module.start()))).isLessThan(1L << 31);
    }

    private List<ProbeKind> kinds(String body) {
        List<ProbeKind> kinds = new ArrayList<>();
        ProgramAtSite recorded = kind -> {
            kinds.add(kind);
            return new ProbeCall(THUNK, TEXT, 0);
        };
        Planned planned = planner(body, Unwinding.ABSENT)
                .function(function(Code.ofHex(body).length()), List.of(recorded), List.of(recorded));
        assertThat(planned).isInstanceOf(Planned.Patchable.class);
        return kinds;
    }

    @Test
    void flagsAreKeptWhereTheFunctionTakesThem() {
        // mov eax,0; adc rax,rsi; mov rdx,rax; ret
        assertThat(kinds("b8 00 00 00 00 48 11 f0 48 89 c2 c3")).containsExactly(ProbeKind.OFFSET, ProbeKind.RETURN);
        // xor eax,eax; adc rax,rsi; nop; mov rdx,rax; ret
        assertThat(kinds("31 c0 48 11 f0 0f 1f 00 48 89 c2 c3"))
                .containsExactly(ProbeKind.TESTED_ENTRY, ProbeKind.RETURN);
    }

    @Test
    void flagsAreKeptWhereTheFunctionGivesThem() {
        // mov eax,0; cmp rax,rsi; mov rdx,rax; ret
        assertThat(kinds("b8 00 00 00 00 48 39 f0 48 89 c2 c3"))
                .containsExactly(ProbeKind.TESTED_ENTRY, ProbeKind.RETURN_WITH_FLAGS);
        // mov eax,0; cmp rax,rsi; sete al; mov rdx,rax; ret
        assertThat(kinds("b8 00 00 00 00 48 39 f0 0f 94 c0 48 89 c2 c3"))
                .containsExactly(ProbeKind.TESTED_ENTRY, ProbeKind.RETURN);
    }

    private Planned entry(String body) {
        int size = Code.ofHex(body).length();
        return planner(body, Unwinding.ABSENT).function(function(size), List.of(program), List.of());
    }

    private static FunctionRange function(int size) {
        return new FunctionRange("f", TEXT, size);
    }

    private ProbePlanner planner(String body, Unwinding unwinding) {
        return planner(module(body, List.of(TEXT), Set.of()), unwinding);
    }

    private ProbePlanner planner(ModuleText module, Unwinding unwinding) {
        ReturnRoutines.Addresses routines = new ReturnRoutines.Addresses(THUNK, THUNK.plus(64));
        return new ProbePlanner(module, space, () -> routines, unwinding);
    }

    private static ModuleText module(String body, List<RemoteAddress> functions, Set<ModuleText.Trait> traits) {
        byte[] text = Code.ofHex(body).bytes();
        return new ModuleText("a.out", text, TEXT, functions, List.of(), (_, _) -> new byte[0], traits);
    }

    private static PatchSite onlySite(Planned planned) {
        return switch (planned) {
            case Planned.Patchable(var sites) -> {
                assertThat(sites).hasSize(1);
                yield sites.getFirst();
            }
            case Planned.Inside inside -> throw new AssertionError(inside);
            case Planned.Refused refused -> throw new AssertionError(refused);
        };
    }
}
