package graft.attach;

/** Told before each step of an attach or a detach. Tests kill the process here; nothing else listens. */
@FunctionalInterface
public interface StepListener {
    StepListener NONE = _ -> {};

    /** @param step a stable name: {@code "attach:journal-written"} */
    void before(String step);
}
