package graft.ebpf.insn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class InsnCodecTest {
    /** Bytes as llvm-mc writes them, beside the kernel's text. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            0f 21 00 00 00 00 00 00 | r1 += r2
            04 01 00 00 ff ff ff ff | w1 += -1
            3f 21 01 00 00 00 00 00 | r1 s/= r2
            97 03 01 00 07 00 00 00 | r3 s%= 7
            87 05 00 00 00 00 00 00 | r5 = -r5
            bf 21 08 00 00 00 00 00 | r1 = (s8)r2
            bc 21 10 00 00 00 00 00 | w1 = (s16)w2
            dc 01 00 00 10 00 00 00 | r1 = be16 r1
            d4 01 00 00 20 00 00 00 | r1 = le32 r1
            d7 01 00 00 40 00 00 00 | r1 = bswap64 r1
            18 01 00 00 ff ff ff ff 00 00 00 00 01 00 00 00 | r1 = 0x1ffffffff ll
            79 60 00 00 00 00 00 00 | r0 = *(u64 *)(r6 +0)
            81 60 fc ff 00 00 00 00 | r0 = *(s32 *)(r6 -4)
            72 0a ff ff 05 00 00 00 | *(u8 *)(r10 -1) = 5
            7b 1a f8 ff 00 00 00 00 | *(u64 *)(r10 -8) = r1
            db 21 08 00 00 00 00 00 | lock *(u64 *)(r1 +8) += r2
            c3 21 00 00 41 00 00 00 | r2 = atomic_fetch_or((u32 *)(r1 +0), r2)
            db 21 00 00 e1 00 00 00 | r2 = atomic64_xchg((u64 *)(r1 +0), r2)
            db 21 00 00 f1 00 00 00 | r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r2)
            db 10 00 00 00 01 00 00 | r0 = load_acquire((u64 *)(r1 +0))
            d3 21 00 00 10 01 00 00 | store_release((u8 *)(r1 +0), r2)
            05 00 fe ff 00 00 00 00 | goto pc-2
            06 00 00 00 00 00 01 00 | gotol pc+65536
            06 00 00 00 fe ff ff ff | gotol pc-2
            66 01 03 00 05 00 00 00 | if w1 s> 0x5 goto pc+3
            4d 21 01 00 00 00 00 00 | if r1 & r2 goto pc+1
            e5 00 03 00 00 00 00 00 | may_goto pc+3
            85 00 00 00 01 00 00 00 | call bpf_map_lookup_elem#1
            85 00 00 00 e8 03 00 00 | call helper#1000
            85 10 00 00 05 00 00 00 | call pc+5
            95 00 00 00 00 00 00 00 | exit
            """)
    void readsAndWritesEachKindOfInstruction(String bytes, String text) {
        byte[] code = hex(bytes);
        InsnList insns = InsnDecoder.decode(code, SymbolDecoder.NONE);
        assertThat(insns.insns()).hasSize(1);
        assertThat(Disassembler.text(insns.at(0))).isEqualTo(text);
        assertThat(InsnEncoder.encode(insns, SymbolEncoder.NONE)).isEqualTo(code);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            0f 21 00 00 01 00 00 00 | reserved immediate is not zero
            07 21 00 00 01 00 00 00 | reserved source register is not zero
            07 01 01 00 01 00 00 00 | reserved offset is not zero
            37 01 02 00 01 00 00 00 | reserved offset is not zero
            07 0b 00 00 01 00 00 00 | no register r11
            0f bf 00 00 00 00 00 00 | no register r15
            8f 01 00 00 00 00 00 00 | unknown opcode
            87 01 00 00 01 00 00 00 | reserved field of negation is not zero
            bf 21 20 00 01 00 00 00 | reserved immediate is not zero
            bc 21 20 00 00 00 00 00 | unknown kind of move: offset 32
            bf 21 ff ff 00 00 00 00 | unknown kind of move: offset -1
            b7 01 08 00 00 00 00 00 | reserved offset is not zero
            bf 21 01 00 02 00 00 00 | addresses are cast from address space 1 to 0 or back
            dc 01 00 00 08 00 00 00 | byte swap of 8 bits
            df 01 00 00 10 00 00 00 | unknown opcode
            e7 01 00 00 00 00 00 00 | unknown opcode
            18 01 00 00 00 00 00 00 | second slot of the wide load is missing
            18 01 00 00 00 00 00 00 18 00 00 00 00 00 00 00 | second slot of the wide load is not zero
            18 71 00 00 00 00 00 00 00 00 00 00 00 00 00 00 | unknown kind of wide load: source 7
            18 01 01 00 00 00 00 00 00 00 00 00 00 00 00 00 | reserved offset is not zero
            18 41 00 00 05 00 00 00 00 00 00 00 00 00 00 00 | function address outside the program
            18 11 00 00 05 00 00 00 00 00 00 00 00 00 00 00 | wide load of something unknown (source 1, value 0x5)
            20 00 00 00 00 00 00 00 | packet loads (LD_ABS, LD_IND) exist only in socket filters
            99 60 00 00 00 00 00 00 | a sign-extending load of 8 bytes does not exist
            79 60 00 00 01 00 00 00 | reserved immediate is not zero
            a1 60 00 00 00 00 00 00 | unknown opcode
            7a 1a 00 00 00 00 00 00 | reserved source register is not zero
            7b 1a 00 00 01 00 00 00 | reserved immediate is not zero
            d3 21 00 00 00 00 00 00 | atomic operation on fewer than 4 bytes
            db 21 00 00 e0 00 00 00 | unknown atomic operation 0xe0
            db 21 00 00 10 00 00 00 | unknown atomic operation 0x10
            05 01 00 00 00 00 00 00 | reserved register is not zero
            05 00 00 00 01 00 00 00 | reserved immediate is not zero
            06 00 01 00 01 00 00 00 | reserved offset is not zero
            0d 00 00 00 00 00 00 00 | indirect jumps through a jump table are not supported
            8d 00 00 00 00 00 00 00 | indirect calls are not supported
            85 30 00 00 00 00 00 00 | unknown kind of call: source 3
            85 01 00 00 01 00 00 00 | reserved destination register is not zero
            85 00 01 00 01 00 00 00 | reserved offset is not zero
            85 20 00 00 01 00 00 00 | call of an unknown kernel function, BTF id 1
            86 00 00 00 01 00 00 00 | unknown opcode
            95 00 00 00 01 00 00 00 | reserved field of exit is not zero
            96 00 00 00 00 00 00 00 | unknown opcode
            e5 10 00 00 00 00 00 00 | unknown kind of conditional jump
            f5 00 00 00 00 00 00 00 | unknown opcode
            """)
    void refusesWhatTheInstructionSetDoesNotDefine(String bytes, String reason) {
        assertThatExceptionOfType(InsnFormatException.class)
                .isThrownBy(() -> InsnDecoder.decode(hex(bytes), SymbolDecoder.NONE))
                .satisfies(e -> assertThat(e.reason()).isEqualTo(reason))
                .satisfies(e -> assertThat(e.slot()).isZero());
    }

    @Test
    void namesThePlaceOfABadInstruction() {
        byte[] code = hex("95 00 00 00 00 00 00 00 ff 00 00 00 00 00 00 00");
        assertThatThrownBy(() -> InsnDecoder.decode(code, SymbolDecoder.NONE))
                .hasMessage("instruction at slot 1 (opcode 0xff): unknown opcode");
    }

    @Test
    void refusesACutOffSlot() {
        assertThatThrownBy(() -> InsnDecoder.decode(hex("95 00 00"), SymbolDecoder.NONE))
                .hasMessage("instruction at slot 0 (opcode 0x95): cut off after 3 of 8 bytes");
    }

    @Test
    void asksTheCallerForNamesAndNumbers() {
        InsnList insns = InsnList.of(
                new Insn.LoadWide(Reg.R1, new Wide.MapPointer("counts")),
                new Insn.LoadWide(Reg.R2, new Wide.MapValue(".data", 8)),
                new Insn.LoadWide(Reg.R3, new Wide.Function(8)),
                new Insn.LoadWide(Reg.R4, new Wide.KernelSymbol("jiffies")),
                new Insn.CallKernelFunction("bpf_iter_num_new"));
        byte[] code = InsnEncoder.encode(insns, new Numbers());
        assertThat(code).startsWith(hex("18 11 00 00 03 00 00 00")).endsWith(hex("85 20 02 00 63 00 00 00"));
        assertThat(InsnDecoder.decode(code, new Names())).isEqualTo(insns);
    }

    @Test
    void writesAPoisonedInstructionAsACallOfNoHelper() {
        byte[] code = InsnEncoder.encode(InsnList.of(new Insn.Poison("no such field")), SymbolEncoder.NONE);
        assertThat(code).isEqualTo(hex("85 00 00 00 10 23 ad 0b"));
        assertThat(InsnDecoder.decode(code, SymbolDecoder.NONE).at(0)).isInstanceOf(Insn.Poison.class);
    }

    @Test
    void refusesToEncodeAnInstructionThatDoesNotExist() {
        for (Insn insn : List.of(
                new Insn.Load(MemSize.DW, Extension.SIGN, Reg.R0, Reg.R1, (short) 0),
                new Insn.Atomic(AtomicOp.XCHG, Fetch.NONE, MemSize.DW, Reg.R1, (short) 0, Reg.R2),
                new Insn.Atomic(AtomicOp.ADD, Fetch.NONE, MemSize.B, Reg.R1, (short) 0, Reg.R2),
                new Insn.MoveSigned(Width.W32, 32, Reg.R0, Reg.R1),
                new Insn.Swap(ByteOrder.TO_BE, 8, Reg.R0))) {
            assertThatThrownBy(() -> InsnEncoder.encode(InsnList.of(insn), SymbolEncoder.NONE))
                    .hasMessage("no encoding for " + insn);
        }
    }

    @Test
    void everyDecodableSlotEncodesToItself() {
        Random random = new Random(20261121);
        byte[] code = new byte[8];
        int decoded = 0;
        for (int i = 0; i < 400_000; i++) {
            random.nextBytes(code);
            if (random.nextInt(4) != 0) {
                code[2] = (byte) random.nextInt(2);
                code[3] = 0;
            }
            if (random.nextInt(4) != 0) {
                code[4] = code[5] = code[6] = code[7] = 0;
            }
            Optional<InsnList> insns = decodable(code);
            if (insns.isPresent()) {
                decoded++;
                assertThat(InsnEncoder.encode(insns.get(), SymbolEncoder.NONE)).isEqualTo(code);
            }
        }
        assertThat(decoded).isGreaterThan(20_000);
    }

    private static Optional<InsnList> decodable(byte[] code) {
        try {
            return Optional.of(InsnDecoder.decode(code, SymbolDecoder.NONE));
        } catch (InsnFormatException e) {
            return Optional.empty();
        }
    }

    private static byte[] hex(String bytes) {
        return HexFormat.of().parseHex(bytes.strip().replace(" ", ""));
    }

    private static final class Numbers implements SymbolEncoder {
        @Override
        public WideEncoding mapPointer(String map) {
            return new WideEncoding(WideEncoding.MAP_FD, 3);
        }

        @Override
        public WideEncoding mapValue(String map, long offset) {
            return WideEncoding.of(WideEncoding.MAP_VALUE, 4, (int) offset);
        }

        @Override
        public WideEncoding kernelSymbol(String name) {
            return new WideEncoding(WideEncoding.BTF_ID, 77);
        }

        @Override
        public KernelCall kernelFunction(String name) {
            return new KernelCall(99, (short) 2);
        }
    }

    private static final class Names implements SymbolDecoder {
        @Override
        public Optional<Wide> wide(WideEncoding encoded, int slot) {
            return switch (encoded.source()) {
                case WideEncoding.MAP_FD -> Optional.of(new Wide.MapPointer("counts"));
                case WideEncoding.MAP_VALUE -> Optional.of(new Wide.MapValue(".data", encoded.high()));
                case WideEncoding.BTF_ID -> Optional.of(new Wide.KernelSymbol("jiffies"));
                default -> Optional.empty();
            };
        }

        @Override
        public Optional<String> kernelFunction(KernelCall call, int slot) {
            return call.equals(new KernelCall(99, (short) 2)) ? Optional.of("bpf_iter_num_new") : Optional.empty();
        }
    }

    @Test
    void misusedFieldsArePoisonForTheVerifier() {
        byte[] code = HexFormat.of().parseHex("0510010000000000" + "b70f000000000000" + "9500050000000000");
        assertThat(InsnDecoder.decodeForVerifier(code, SymbolDecoder.NONE))
                .isEqualTo(InsnList.of(
                        new Insn.Poison("reserved register is not zero", new Insn.Jump(1)),
                        new Insn.Poison("no register r15"),
                        new Insn.Exit()));
    }

    @Test
    void unknownInstructionsAreRefusedForTheVerifierToo() {
        byte[] code = HexFormat.of().parseHex("0d00000000000000" + "9500000000000000");
        assertThatThrownBy(() -> InsnDecoder.decodeForVerifier(code, SymbolDecoder.NONE))
                .isInstanceOf(InsnFormatException.class)
                .hasMessageContaining("slot 0");
    }
}
