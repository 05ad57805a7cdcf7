// A Java virtual machine: garbage collections, compilation, exceptions by way of SIGSEGV, threads.
//
// probes: uprobe:libjvm.so:JVM_ActiveProcessorCount uretprobe:libjvm.so:JVM_ActiveProcessorCount
// requirements: 29
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

class Work {
    private static final int THREADS = 4;
    private static final AtomicLong CALLS = new AtomicLong();
    private static volatile String problem = "";
    private static volatile Object garbage;

    private static int length(String text) {
        return text.length();
    }

    private static void one(long times) {
        int expected = Runtime.getRuntime().availableProcessors();
        for (long i = 0; i < times; i++) {
            if (Runtime.getRuntime().availableProcessors() != expected) {
                problem = "the number of processors has changed";
            }
            try {
                length(i % 2 == 0 ? null : "text");
                if (i % 2 == 0) {
                    problem = "null has a length";
                }
            } catch (NullPointerException e) {
                garbage = e;
            }
            garbage = new byte[10_000];
        }
        CALLS.addAndGet(times + 1);
    }

    private static void workOn(long times) throws InterruptedException {
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            threads.add(Thread.ofPlatform().start(() -> one(times)));
        }
        for (Thread thread : threads) {
            thread.join();
        }
    }

    public static void main(String[] arguments) throws IOException, InterruptedException {
        BufferedReader orders = new BufferedReader(new InputStreamReader(System.in));
        for (String order = orders.readLine(); order != null; order = orders.readLine()) {
            boolean turns = order.startsWith("turn ");
            long times = Long.parseLong(order.substring(order.indexOf(' ') + 1));
            CALLS.set(0);
            problem = "";
            do {
                workOn(times);
            } while (turns && !orders.ready());
            System.out.println(problem.isEmpty() ? "ok " + CALLS + " " + CALLS : "wrong " + problem);
        }
    }
}
