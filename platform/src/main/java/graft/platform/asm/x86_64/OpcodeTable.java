package graft.platform.asm.x86_64;

/**
 * What follows each opcode byte, as data: one character per opcode, sixteen rows of sixteen per map.
 *
 * <p>{@code .} nothing, {@code m} ModRM, {@code r} ModRM that always names two registers, {@code b} imm8, {@code w} imm16,
 * {@code z} imm16/32 by operand size, {@code v} imm16/32/64 by operand size, {@code e} imm16 and imm8, {@code B} ModRM and
 * imm8, {@code Z} ModRM and imm16/32, {@code D} ModRM and imm32, {@code j} rel8, {@code J} rel32, {@code o} an absolute
 * address, {@code G}/{@code H} ModRM and, for /0 and /1, imm8 or imm16/32, {@code x} no instruction, {@code p} a prefix,
 * {@code E} an escape to another map.
 */
final class OpcodeTable {
    private OpcodeTable() {}

    static final int ONE_BYTE = 0;
    static final int TWO_BYTE = 1;
    static final int MAP_0F38 = 2;
    static final int MAP_0F3A = 3;
    static final int VEX_1 = 4;
    static final int VEX_2 = 5;
    static final int VEX_3 = 6;
    static final int EVEX_1 = 7;
    static final int EVEX_2 = 8;
    static final int EVEX_3 = 9;
    static final int EVEX_5 = 10;
    static final int EVEX_6 = 11;
    static final int XOP_8 = 12;
    static final int XOP_9 = 13;
    static final int XOP_A = 14;
    static final int NOW_3D = 15;

    private static final String[] ROWS = {
        // one byte
        """
        mmmmbzxxmmmmbzxE
        mmmmbzxxmmmmbzxx
        mmmmbzpxmmmmbzpx
        mmmmbzpxmmmmbzpx
        pppppppppppppppp
        ................
        xxEmppppzZbB....
        jjjjjjjjjjjjjjjj
        BZxBmmmmmmmmmmmE
        ..........x.....
        oooo....bz......
        bbbbbbbbvvvvvvvv
        BBw.EEBZe.w..bx.
        mmmmxxx.mmmmmmmm
        jjjjbbbbJJxj....
        p.pp..GH......mm""",
        // 0F
        """
        mmmmx.....x.xm.E
        mmmmmmmmmmmmmmmm
        rrrrxxxxmmmmmmmm
        ......x.ExExxxxx
        mmmmmmmmmmmmmmmm
        mmmmmmmmmmmmmmmm
        mmmmmmmmmmmmmmmm
        BBBBmmm.mmxxmmmm
        JJJJJJJJJJJJJJJJ
        mmmmmmmmmmmmmmmm
        ...mBmxx...mBmmm
        mmmmmmmmmmBmmmmm
        mmBmBBBm........
        mmmmmmmmmmmmmmmm
        mmmmmmmmmmmmmmmm
        mmmmmmmmmmmmmmmm""",
        // 0F 38
        """
        mmmmmmmmmmmmxxxx
        mxxxmmxmxxxxmmmx
        mmmmmmxxmmmmxxxx
        mmmmmmmmmmmmmmmm
        mmxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        mmmxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxmmmmmmxm
        xxxxxxxxmxxmmmmm
        xxxxxxxxxxxxxxxx
        mmxxxmmxmmmmmxxx""",
        // 0F 3A
        """
        xxxxxxxxBBBBBBBB
        xxxxBBBBxxxxxxxx
        BBBxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        BBBxBxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        BBBBxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxBxBB
        xxxxxxxxxxxxxxxB
        xxxxxxxxxxxxxxxx
        Bxxxxxxxxxxxxxxx""",
        // VEX 0F
        """
        xxxxxxxxxxxxxxxx
        mmmmmmmmxxxxxxxx
        xxxxxxxxmmmmmmmm
        xxxxxxxxxxxxxxxx
        xmmxmmmmxxmmxxxx
        mmmmmmmmmmmmmmmm
        mmmmmmmmmmmmmmmm
        BBBBmmm.xxxxmmmm
        xxxxxxxxxxxxxxxx
        mmmmxxxxmmxxxxxx
        xxxxxxxxxxxxxxmx
        xxxxxxxxxxxxxxxx
        xxBxBBBxxxxxxxxx
        mmmmmmmmmmmmmmmm
        mmmmmmmmmmmmmmmm
        mmmmmmmmmmmmmmmx""",
        // VEX 0F 38
        """
        mmmmmmmmmmmmmmmm
        xxxmxxmmmmmxmmmx
        mmmmmmxxmmmmmmmm
        mmmmmmmmmmmmmmmm
        mmxxxmmmmmxmxxxx
        mmmmxxxxmmmxmxmx
        xxxxxxxxxxxxmxxx
        xxmxxxxxmmxxxxxx
        xxxxxxxxxxxxmxmx
        mmmmxxmmmmmmmmmm
        xxxxxxmmmmmmmmmm
        mmxxmmmmmmmmmmmm
        xxxxxxxxxxxmmmxm
        xxmmxxxxxxmmmmmm
        mmmmmmmmmmmmmmmm
        xxmmxmmmxxxxxxxx""",
        // VEX 0F 3A
        """
        BBBxBBBxBBBBBBBB
        xxxxBBBBBBxxxBxx
        BBBxxxxxxxxxxxxx
        BBBBxxxxBBxxxxxx
        BBBxBxBxBBBBBxxx
        xxxxxxxxxxxxBBBB
        BBBBxxxxBBBBBBBB
        xxxxxxxxBBBBBBBB
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxBB
        xxxxxxxxxxxxxxBB
        xxxxxxxxxxxxxxxx
        Bxxxxxxxxxxxxxxx""",
        // EVEX 0F
        """
        xxxxxxxxxxxxxxxx
        mmmmmmmmxxxxxxxx
        xxxxxxxxmmmmmmmm
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xmxxmmmmmmmmmmmm
        mmmmmmmmmmmmmmmm
        BBBBmmmxmmmmxxmm
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxBxBBBxxxxxxxxx
        xmmmmmxmmmmmmmmm
        mmmmmmmmmmmmmmmm
        xmmmmmmxmmmmmmmx""",
        // EVEX 0F 38
        """
        mxxxmxxxxxxmmmxx
        mmmmmmmxmmmmmmmm
        mmmmmmmmmmmmmmxx
        mmmmmmmmmmmmmmmm
        mxmmmmmmxxxxmmmm
        mmmmmmxxmmmmxxxx
        xxmmmmmxmxxxxxxx
        mmmmxmmmmmmmmmmm
        xxxmxxxxmmmmxmxm
        mmmmxxmmmmmmmmmm
        mmmmxxmmmmmmmmmm
        xxxxmmmmmmmmmmmm
        xxxxmxmmmxmmmmxm
        xxxxxxxxxxxxmmmm
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx""",
        // EVEX 0F 3A
        """
        BBxBBBxxBBBBxxxB
        xxxxBBBBBBBBxBBB
        BBBBxBBBxxxxxxxx
        xxxxxxxxBBBBxxBB
        xxBBBxxxxxxxxxxx
        BBxxBBBBxxxxxxxx
        xxxxxxBBxxxxxxxx
        BBBBxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxBxxxxxxxxxxxBB
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx""",
        // EVEX map 5
        """
        xxxxxxxxxxxxxxxx
        mmxxxxxxxxxxxmxx
        xxxxxxxxxxmxmmmm
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xmxxxxxxmmmmmmmm
        xxxxxxxxxxxxxxmx
        xxxxxxxxmmmmmmmx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx""",
        // EVEX map 6
        """
        xxxxxxxxxxxxxxxx
        xxxmxxxxxxxxxxxx
        xxxxxxxxxxxxmmxx
        xxxxxxxxxxxxxxxx
        xxmmxxxxxxxxmmmm
        xxxxxxmmxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxmmmmmmmmmm
        xxxxxxmmmmmmmmmm
        xxxxxxmmmmmmmmmm
        xxxxxxxxxxxxxxxx
        xxxxxxmmxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx""",
        // XOP map 8
        """
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxBBBxxxxxxBB
        xxxxxBBBxxxxxxBB
        xxBBxxBxxxxxxxxx
        xxxxxxBxxxxxxxxx
        BBBBxxxxxxxxBBBB
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxBBBB
        xxxxxxxxxxxxxxxx""",
        // XOP map 9
        """
        xmmxxxxxxxxxxxxx
        xxmxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        mmmmxxxxxxxxxxxx
        mmmmmmmmmmmmxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xmmmxxmmxxxmxxxx
        xmmmxxmmxxxmxxxx
        xmmmxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx""",
        // XOP map A
        """
        xxxxxxxxxxxxxxxx
        DxDxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx
        xxxxxxxxxxxxxxxx""",
    };

    private static final byte[][] FORMS = parse();

    /** The form of {@code opcode} in {@code map}. */
    static byte form(int map, int opcode) {
        return FORMS[map][opcode];
    }

    private static byte[][] parse() {
        byte[][] forms = new byte[ROWS.length][256];
        for (int map = 0; map < ROWS.length; map++) {
            String rows = ROWS[map];
            int at = 0;
            for (int i = 0; i < rows.length(); i++) {
                if (rows.charAt(i) != '\n') {
                    forms[map][at++] = (byte) rows.charAt(i);
                }
            }
            if (at != 256) {
                throw new AssertionError("opcode map " + map + " has " + at + " rows of data instead of 256");
            }
        }
        return forms;
    }
}
