package graft.cli.process;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Ctrl-C, while a command has something to undo and to print: a wish to stop. The process does not end before the thread
 * that made this object has ended, or has closed it.
 */
public final class Interruption implements AutoCloseable {
    private final CountDownLatch wish = new CountDownLatch(1);
    private final Thread command = Thread.currentThread();
    private final Thread hook = new Thread(this::wished, "graft-undo");

    /** Notices the wish from now on. */
    public Interruption() {
        Runtime.getRuntime().addShutdownHook(hook);
    }

    private void wished() {
        wish.countDown();
        try {
            command.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Whether it has come. */
    public boolean hasCome() {
        return wish.getCount() == 0;
    }

    /** Waits for it. @return whether it has come */
    public boolean await(long millis) {
        try {
            return wish.await(millis, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }

    /** From now on Ctrl-C ends the process, unless it has come already: then the command's thread still ends first. */
    @Override
    public void close() {
        if (!isEnding()) {
            removeHook();
        }
    }

    private void removeHook() {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException _) {
            // It has come this very moment.
        }
    }

    /** Whether the virtual machine waits for its hooks: then {@code System.exit} would wait for them as well. */
    public static boolean isEnding() {
        Thread attempt = new Thread();
        try {
            Runtime.getRuntime().addShutdownHook(attempt);
            Runtime.getRuntime().removeShutdownHook(attempt);
            return false;
        } catch (IllegalStateException _) {
            return true;
        }
    }
}
