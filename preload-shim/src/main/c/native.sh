# How the native parts are compiled and what every build asserts. Sourced by build.sh of each part.

fail() { echo "$name: $1" >&2; exit 1; }

# compile FOLDER: every C file of FOLDER, to an object file in $work/objects.
compile() {
    rm -rf "$work/objects" && mkdir -p "$work/objects"
    for source in "$1"/*.c; do
        object=$work/objects/$(basename "$source" .c).o
        gcc -std=gnu11 -O2 -ffreestanding -nostdlib -fPIC -fvisibility=hidden -mgeneral-regs-only -mno-red-zone \
            -fno-stack-protector -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-jump-tables \
            -fcf-protection=none -fno-tree-loop-distribute-patterns -mrdpid -Wstack-usage=512 -Wall -Wextra -Werror \
            -I"$work" -c "$source" -o "$object"
    done
}

# check IMAGE EXPORTS BYTES: needs nothing, exports only what the pattern EXPORTS allows ('^$' for nothing), at most
# BYTES of file.
check() {
    # Assigned first: a tool that fails must fail the build, not look like an empty list.
    undefined=$(nm --quiet -D --undefined-only "$1")
    exported=$(nm --quiet -D --defined-only "$1")
    [ -z "$undefined" ] || fail "undefined symbols"
    readelf -dW "$1" | grep -q 'NEEDED\|TEXTREL' && fail "needs a library or text relocations"
    [ -z "$(echo "$exported" | grep -v "^\$\|$2")" ] || fail "exports more than it must"
    [ "$(wc -c <"$1")" -le "$3" ] || fail "file of $(wc -c <"$1") bytes is too large"
    readelf -SW "$1" | grep -q ' \.\(data\|bss\|tdata\|tbss\) ' && fail "has writable data"
    objdump -d "$1" | grep -q '%[xyz]mm[0-9]\|%st\b' && fail "uses vector or x87 registers"
    return 0
}
