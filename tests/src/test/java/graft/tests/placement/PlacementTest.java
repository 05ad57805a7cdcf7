package graft.tests.placement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import graft.daemon.PlacementSurvey;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Nearly every function of real programs can be probed with a jump. */
@Tag("slow")
class PlacementTest {
    private static final int ONE_IN = 200;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/usr/lib/x86_64-linux-gnu/libc.so.6",
                "/usr/lib/x86_64-linux-gnu/libcrypto.so.3",
                "/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
                "/usr/sbin/nginx",
                "/usr/bin/bash",
                "/usr/bin/python3.11"
            })
    void oneFunctionInTwoHundredAtMostCannotBeProbed(String file) {
        Path path = Path.of(file);
        assumeTrue(Files.exists(path));

        PlacementSurvey survey = PlacementSurvey.of(path);

        assertThat(survey.functions()).isGreaterThan(500);
        assertThat(survey.refusedEntries()).hasSizeLessThanOrEqualTo(Math.ceilDiv(survey.functions(), ONE_IN));
    }
}
