package graft.ebpf.insn;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AssemblerTest {
    @Test
    void whatIsDisassembledIsAssembledToTheSame() {
        RandomInsns random = new RandomInsns(new SplittableRandom(20261121));
        for (int round = 0; round < 100; round++) {
            List<Insn> insns = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                insns.add(random.next());
            }
            InsnList list = InsnList.of(insns);
            InsnList back = assemble(Disassembler.text(list));
            assertThat(back.insns()).isEqualTo(insns);
            byte[] code = InsnEncoder.encode(list, SymbolEncoder.NONE);
            assertThat(InsnDecoder.decode(code, SymbolDecoder.NONE).insns()).isEqualTo(insns);
            assertThat(InsnEncoder.encode(back, SymbolEncoder.NONE)).isEqualTo(code);
        }
    }

    @Test
    void whatBytesSayIsAssembledToTheSameBytes() {
        SplittableRandom random = new SplittableRandom(7);
        byte[] code = new byte[8];
        int read = 0;
        while (read < 4_000) {
            random.nextBytes(code);
            code[2] = (byte) random.nextInt(3);
            code[3] = 0;
            code[4] = random.nextBoolean() ? 0 : code[4];
            code[5] = code[6] = code[7] = 0;
            try {
                InsnList insns = InsnDecoder.decode(code, SymbolDecoder.NONE);
                String text = Disassembler.text(insns);
                assertThat(InsnEncoder.encode(assemble(text), SymbolEncoder.NONE))
                        .as(text)
                        .isEqualTo(code);
                read++;
            } catch (InsnFormatException _) {
                // most bytes are no instruction
            }
        }
    }

    @Test
    void namesOfThingsOutsideAreKept() {
        List<Insn> insns = List.of(
                new Insn.LoadWide(Reg.R1, new Wide.MapPointer("counts")),
                new Insn.LoadWide(Reg.R2, new Wide.MapValue(".data", 16)),
                new Insn.LoadWide(Reg.R3, new Wide.Function(9)),
                new Insn.LoadWide(Reg.R4, new Wide.KernelSymbol("jiffies")),
                new Insn.CallKernelFunction("bpf_iter_num_new"),
                new Insn.Exit());
        assertThat(assemble(Disassembler.text(InsnList.of(insns))).insns()).isEqualTo(insns);
    }

    @Test
    void labelsLeadWhereTheyStand() {
        String text = """
                main:
                    r1 = 5 ll           // two slots
                loop: r1 += -1
                    if r1 != 0 goto loop
                    call twice          ; a function of the program
                    r2 = function twice
                    gotol end
                    exit
                end:
                    exit
                twice:
                    r0 = 2
                    exit
                """;
        assertThat(Assembler.assemble(text)).isInstanceOfSatisfying(Assembler.Result.Assembled.class, done -> {
            assertThat(done.insns().insns())
                    .containsExactly(
                            new Insn.LoadWide(Reg.R1, new Wide.Constant(5)),
                            new Insn.Alu(AluOp.ADD, Width.W64, Reg.R1, new Operand.Imm(-1)),
                            new Insn.Branch(JumpOp.JNE, Width.W64, Reg.R1, new Operand.Imm(0), (short) -2),
                            new Insn.CallLocal(5),
                            new Insn.LoadWide(Reg.R2, new Wide.Function(10)),
                            new Insn.Jump(Insn.Jump.Form.LONG, 1),
                            new Insn.Exit(),
                            new Insn.Exit(),
                            new Insn.Alu(AluOp.MOV, Width.W64, Reg.R0, new Operand.Imm(2)),
                            new Insn.Exit());
            assertThat(done.labels())
                    .containsExactly(
                            Map.entry("main", 0), Map.entry("loop", 2), Map.entry("end", 9), Map.entry("twice", 10));
            assertThat(done.lines()).containsEntry(0, 2).containsEntry(2, 3).containsEntry(5, 6);
        });
    }

    /** The forms that LLVM writes and the kernel does not. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            r0 = *(u64 *)(r6 + 0)                     | 79 60 00 00 00 00 00 00
            w0 = *(u32 *)(r6 + 4)                     | 61 60 04 00 00 00 00 00
            *(u32 *)(r10 - 4) = w1                    | 63 1a fc ff 00 00 00 00
            w2 = atomic_fetch_or((u32 *)(r1 + 0), w2) | c3 21 00 00 41 00 00 00
            r2 = atomic_fetch_or((u64 *)(r1 + 0), r2) | db 21 00 00 41 00 00 00
            lock *(u32 *)(r1 + 0) += w2               | c3 21 00 00 00 00 00 00
            if r1 s> -5 goto +3                       | 65 01 03 00 fb ff ff ff
            goto -1                                   | 05 00 ff ff 00 00 00 00
            call 12                                   | 85 00 00 00 0c 00 00 00
            call bpf_ktime_get_ns                     | 85 00 00 00 05 00 00 00
            w1 = 0xffffffff                           | b4 01 00 00 ff ff ff ff
            """)
    void llvmsTextIsReadToo(String text, String bytes) {
        assertThat(HexFormat.ofDelimiter(" ").formatHex(InsnEncoder.encode(assemble(text), SymbolEncoder.NONE)))
                .isEqualTo(bytes);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            r11 = 1                          | 1  | there is no register r11                    | r0 to r10, or w0 to w10
            r1 == 1                          | 4  | == does not exist here                      | 'one of += -= *= /= s/= %= s%= |= &= ^= <<= >>= s>>= ='
            r1 += w2                         | 7  | w2 has another width than the instruction   | write r2
            r1 = 0xffffffff                  | 6  | 0xffffffff is not a number of 32 bits with sign | load it into a register: rN = 0xffffffff ll
            r1 = 5 5                         | 8  | unexpected 5                                | one instruction a line; a comment begins with //
            frobnicate                       | 1  | frobnicate is no register and no instruction | r0 to r10, or w0 to w9
            goto somewhere                   | 6  | there is no label somewhere                 | write somewhere: in front of a line; labels are exit
            if r1 ~ 5 goto +1                | 7  | unexpected character ~                      | graft vm disasm shows the syntax
            if r1 == 5 goto +40000           | 17 | 40000 slots are too far for 16 bits         | jump to a gotol, which has 32 bits
            r1 = *(u24 *)(r2 +0)             | 8  | u24 does not exist here                     | one of u8 u16 u32 u64
            r1 = *(u32 *)(r2 +40000)         | 18 | 40000 does not fit into the 16 bits of an offset | add it to a register first
            r1 = *(s64 *)(r2 +0)             | 7  | 64 bits have nothing to extend              | write u64
            *(s32 *)(r2 +0) = r1             | 2  | only loads have a sign                      | write u32
            lock *(u16 *)(r2 +0) += r1       | 7  | atomic operations are on 32 or 64 bits      | u32 or u64, or load_acquire and store_release
            r1 = atomic_xchg((u64 *)(r2 +0), r3) | 6 | the old value goes to r3                 | write r3 = atomic_xchg
            r1 = be16 r2                     | 11 | a swap changes its own register             | move the value first
            r1 = (s64)r2                     | 7  | s64 cannot be extended to this register     | one of s8, s16, s32
            call bpf_ktime_get_ns#6          | 6  | bpf_ktime_get_ns is helper 5                | leave the number out
            3: exit                          | 1  | this is slot 0 and not 3                    | leave the numbers out, or copy all lines of the listing
            if r1 == 5                       | 11 | the line ends where goto belongs            | graft vm disasm shows the syntax
            """)
    void whatCannotBeReadIsSaidWithItsPlace(String text, int column, String what, String remedy) {
        assertThat(Assembler.assemble("exit:\n" + text))
                .isEqualTo(new Assembler.Result.Refused(2, column, what, remedy));
    }

    private static InsnList assemble(String text) {
        return switch (Assembler.assemble(text)) {
            case Assembler.Result.Assembled done -> done.insns();
            case Assembler.Result.Refused refused -> throw new AssertionError(refused + " in " + text);
        };
    }
}
