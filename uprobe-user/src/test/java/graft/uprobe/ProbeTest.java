package graft.uprobe;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProbeTest {
    @ParameterizedTest
    @CsvSource({
        "uprobe:libssl.so.3:SSL_write, ENTRY, libssl.so.3, SSL_write, 0",
        "uprobe/libssl.so.3:SSL_write, ENTRY, libssl.so.3, SSL_write, 0",
        "uprobe//usr/sbin/nginx:ngx_http_process_request, ENTRY, /usr/sbin/nginx, ngx_http_process_request, 0",
        "uretprobe:libssl.so.3:SSL_read, RETURN, libssl.so.3, SSL_read, 0",
        "uprobe:libc.so.6:str*, ENTRY, libc.so.6, str*, 0",
        "uprobe:main, ENTRY, '', main, 0",
        "uprobe:libc.so.6:str?py, ENTRY, libc.so.6, str?py, 0",
        "uprobe:libssl.so.3:/^SSL_(read|write)$/, ENTRY, libssl.so.3, /^SSL_(read|write)$/, 0",
        "uretprobe//usr/lib/libssl.so.3:/a::b+/, RETURN, /usr/lib/libssl.so.3, /a::b+/, 0",
        "usdt:libc.so.6:libc:setjmp, STATIC, libc.so.6, libc:setjmp, 0",
        "usdt//usr/bin/python3:python:function__*, STATIC, /usr/bin/python3, python:function__*, 0",
        "uprobe:nginx:ngx_http_request.c:2042, LINE, nginx, ngx_http_request.c:2042, 0",
        "uprobe//usr/sbin/nginx:src/http/ngx_http.c:7, LINE, /usr/sbin/nginx, src/http/ngx_http.c:7, 0",
        "uprobe:main.c:12, LINE, '', main.c:12, 0",
        "usdt:demo:forms, STATIC, '', demo:forms, 0",
        "uprobe:/^main$/, ENTRY, '', /^main$/, 0",
        "uprobe:a.out:work+0x10, OFFSET, a.out, work, 16",
    })
    void readsProbes(String text, Probe.Kind kind, String module, String symbol, long offset) {
        assertThat(Probe.parse(text)).isEqualTo(new Probe.Parsed.Ok(new Probe(kind, module, symbol, offset)));
    }

    @ParameterizedTest
    @CsvSource({
        "kprobe:vfs_read, 'it does not begin with uprobe:, uretprobe: or usdt:'",
        "uprobe:libssl.so.3:, the function's name is missing",
        "uprobe:a.out:work+x, '\"x\" is not an offset'",
        "uretprobe:a.out:work+4, a return probe takes no offset",
        "uprobe:a.out:/wo(rk/, the regular expression is wrong: Unclosed group at character 6",
        "uretprobe:main.c:12, a return probe takes no line",
        "uprobe::12, the source file's name is missing",
        "usdt:main, a static probe has a provider and a name",
        "uprobe:a.out://, the regular expression is empty",
    })
    void saysWhatIsWrong(String text, String why) {
        assertThat(Probe.parse(text)).isEqualTo(new Probe.Parsed.Malformed(text, why));
    }

    @Test
    void printsWhatItRead() {
        assertThat(new Probe(Probe.Kind.OFFSET, "a.out", "work", 16)).hasToString("uprobe:a.out:work+0x10");
    }
}
