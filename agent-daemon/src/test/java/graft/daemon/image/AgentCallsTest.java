package graft.daemon.image;

import static org.assertj.core.api.Assertions.assertThatCode;

import graft.ebpf.helper.Helper;
import graft.platform.proc.ClockOffsets;
import graft.rewriter.stub.RuntimeRegion.ForkedChildren;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class AgentCallsTest {
    @ParameterizedTest
    @EnumSource
    void knowsWhatEveryHelperCalls(Helper helper) {
        TargetEnvironment environment = new TargetEnvironment(
                1,
                OptionalInt.empty(),
                Optional.empty(),
                0,
                0,
                OptionalInt.empty(),
                OptionalInt.empty(),
                Optional.empty(),
                ClockOffsets.NONE,
                Optional.empty(),
                Optional.empty(),
                TargetEnvironment.SystemCalls.FREE,
                ForkedChildren.FOLLOWED);
        assertThatCode(() -> new AgentCalls(environment).add(helper)).doesNotThrowAnyException();
    }
}
