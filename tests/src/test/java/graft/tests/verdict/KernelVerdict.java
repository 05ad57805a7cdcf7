package graft.tests.verdict;

import java.nio.file.Path;

/** What the kernel says about one program, as the oracle prints it. */
record KernelVerdict(Path object, String program, String section, Answer answer, int walked, String reason) {
    /** The kernel's answer. */
    enum Answer {
        ACCEPT,
        REJECT,
        /** It refused for a reason that says nothing about the program. */
        UNKNOWN
    }

    static KernelVerdict parse(String line) {
        String[] fields = line.split("\t", -1);
        Answer answer = switch (fields[3]) {
            case "accept" -> Answer.ACCEPT;
            case "reject" -> Answer.REJECT;
            default -> Answer.UNKNOWN;
        };
        return new KernelVerdict(
                Path.of(fields[0]), fields[1], fields[2], answer, Integer.parseInt(fields[5]), fields[6]);
    }
}
