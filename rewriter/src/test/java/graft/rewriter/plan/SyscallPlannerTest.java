package graft.rewriter.plan;

import static org.assertj.core.api.Assertions.assertThat;

import graft.platform.address.RemoteAddress;
import graft.rewriter.Code;
import graft.rewriter.PatchSite;
import graft.rewriter.stub.ProbeCall;
import graft.rewriter.stub.ReturnRoutines;
import graft.rewriter.stub.SiteRecord;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SyscallPlannerTest {
    private static final RemoteAddress TEXT = new RemoteAddress(0x400000);
    private static final RemoteAddress POOL = new RemoteAddress(0x500000);
    private static final RemoteAddress THUNK = new RemoteAddress(0x520000);

    /** {@code mov $39,%eax; syscall;} what is between; {@code syscall; cmp $1,%rax; nop; ret}: calls of any number. */
    private List<SyscallPlanner.Sides> twoCalls(String between) {
        String body = "b8 27 00 00 00 0f 05" + between + "0f 05 48 83 f8 01 90 c3";
        int size = Code.ofHex(body).length();
        int second = 7 + Code.ofHex(between).length();
        SyscallProgram every = new SyscallProgram(
                _ -> new SyscallProgram.ThunkCall(new ProbeCall(THUNK, TEXT, 0), SiteRecord.READ), OptionalInt.empty());
        ModuleText module = new ModuleText(
                "a.out", Code.ofHex(body).bytes(), TEXT, List.of(TEXT), List.of(), (_, _) -> new byte[0], Set.of());
        ReturnRoutines.Addresses routines = new ReturnRoutines.Addresses(THUNK, THUNK.plus(64));
        return new ProbePlanner(module, new FakeSpace(POOL), () -> routines, Unwinding.ABSENT)
                .syscalls(
                        new FunctionRange("f", TEXT, size),
                        List.of(
                                new SyscallPlanner.Wanted(
                                        new SyscallPlace(TEXT.plus(5), OptionalInt.empty()),
                                        List.of(every),
                                        List.of(every)),
                                new SyscallPlanner.Wanted(
                                        new SyscallPlace(TEXT.plus(second), OptionalInt.empty()),
                                        List.of(every),
                                        List.of(every))));
    }

    @Test
    void callsWithRoomForTwoJumpsBetweenThemHaveTwo() {
        List<SyscallPlanner.Sides> sides = twoCalls("48 83 f8 da 90 b8 ba 00 00 00"); // cmp; nop; mov
        PatchSite behind = onlySite(sides.getFirst().exit().orElseThrow());
        PatchSite before = onlySite(sides.getLast().enter().orElseThrow());
        assertThat(List.of(behind.address(), before.address())).containsExactly(TEXT.plus(7), TEXT.plus(12));
    }

    @Test
    void callsThatAreTooNearForTwoJumpsShareOne() {
        List<SyscallPlanner.Sides> sides = twoCalls("41 89 c4 b8 ba 00 00 00"); // mov; mov
        PatchSite shared = onlySite(sides.getFirst().exit().orElseThrow());
        assertThat(onlySite(sides.getLast().enter().orElseThrow())).isSameAs(shared);
        assertThat(shared.address()).isEqualTo(TEXT.plus(7));
        assertThat(shared.moved()).extracting(PatchSite.MovedInsn::from).containsExactly(TEXT.plus(7), TEXT.plus(10));
        assertThat(onlySite(sides.getLast().exit().orElseThrow()).address()).isEqualTo(TEXT.plus(17));
    }

    @Test
    void aBranchToASecondTryIsNoReasonNotToShareButOneIntoTheMiddleIs() {
        // cmp; jne behind the second call; mov
        assertThat(onlySite(twoCalls("48 83 f8 da 75 05 4c 89 c0")
                                .getLast()
                                .enter()
                                .orElseThrow())
                        .address())
                .isEqualTo(TEXT.plus(7));
        // cmp; jne to the mov
        assertThat(twoCalls("48 83 f8 da 75 00 4c 89 c0").getLast().enter().orElseThrow())
                .isInstanceOf(Planned.Refused.class);
    }

    /** {@code syscall; ret} behind {@code before}, with the next function right behind it. */
    private SyscallPlanner.Sides lastCall(String before, int number, Unwinding unwinding) {
        byte[] body = Code.ofHex(before + "0f 05 c3 b8 01 00 00 00 c3").bytes();
        int call = Code.ofHex(before).length();
        SyscallProgram every = new SyscallProgram(
                _ -> new SyscallProgram.ThunkCall(new ProbeCall(THUNK, TEXT, 0), SiteRecord.READ), OptionalInt.empty());
        ModuleText module = new ModuleText(
                "a.out", body, TEXT, List.of(TEXT, TEXT.plus(call + 3)), List.of(), (_, _) -> new byte[0], Set.of());
        ReturnRoutines.Addresses routines = new ReturnRoutines.Addresses(THUNK, THUNK.plus(64));
        return new ProbePlanner(module, new FakeSpace(POOL), () -> routines, unwinding)
                .syscalls(
                        new FunctionRange("f", TEXT, call + 3),
                        List.of(new SyscallPlanner.Wanted(
                                new SyscallPlace(TEXT.plus(call), OptionalInt.of(number)),
                                List.of(every),
                                List.of(every))))
                .getFirst();
    }

    @Test
    void aCallWithNothingButAReturnBehindItIsSeenToEndByItsReturnAddress() {
        SyscallPlanner.Sides sides = lastCall("b8 27 00 00 00", 39, Unwinding.ABSENT);
        PatchSite both = onlySite(sides.exit().orElseThrow());
        assertThat(both.address()).isEqualTo(TEXT);
        assertThat(onlySite(sides.enter().orElseThrow())).isSameAs(both);
    }

    @Test
    void whereTheReturnAddressMayNotBeReplacedTheProgramsBeforeTheCallRunAllTheSame() {
        List<SyscallPlanner.Sides> refused = List.of(
                lastCall("b8 27 00 00 00", 39, Unwinding.POSSIBLE),
                lastCall("b8 3a 00 00 00", 58, Unwinding.ABSENT), // vfork
                lastCall("48 8d 7c 24 f0 b8 27 00 00 00", 39, Unwinding.ABSENT)); // lea -16(%rsp), %rdi
        assertThat(refused).allSatisfy(sides -> {
            assertThat(sides.exit().orElseThrow()).isInstanceOf(Planned.Refused.class);
            onlySite(sides.enter().orElseThrow());
        });
    }

    private static PatchSite onlySite(Planned planned) {
        assertThat(planned).isInstanceOf(Planned.Patchable.class);
        List<PatchSite> sites = ((Planned.Patchable) planned).sites();
        assertThat(sites).hasSize(1);
        return sites.getFirst();
    }
}
