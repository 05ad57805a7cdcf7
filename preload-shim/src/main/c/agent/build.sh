#!/bin/sh
# Builds the agent and checks what a target relies on. Usage: build.sh JAVA LAYOUTS GENERATOR WORK OUTPUT.so
set -eu
java=$1 layouts=$2 generator=$3 work=$4 out=$5
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$work" "$(dirname "$out")"
"$java" -XX:TieredStopAtLevel=1 "$generator" c "$work/layout.h" "$layouts/pool.layout" "$layouts/map.layout"
objects=
for source in "$here"/*.c; do
    object=$work/$(basename "$source" .c).o
    gcc -std=gnu11 -O2 -ffreestanding -nostdlib -fPIC -fvisibility=hidden -mgeneral-regs-only -mno-red-zone \
        -fno-stack-protector -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-jump-tables -fcf-protection=none \
        -fno-tree-loop-distribute-patterns -mrdpid -Wstack-usage=512 -Wall -Wextra -Werror -I"$work" -c "$source" \
        -o "$object"
    objects="$objects $object"
done
# shellcheck disable=SC2086
ld -shared -z noexecstack --build-id=none --no-warn-rwx-segments -T "$here/agent.lds" -o "$work/agent.so" $objects
fail() { echo "agent: $1" >&2; exit 1; }
[ -z "$(nm -D --undefined-only "$work/agent.so")" ] || fail "undefined symbols"
readelf -d "$work/agent.so" | grep -q 'NEEDED\|TEXTREL' && fail "needs a library or text relocations"
readelf -r "$work/agent.so" | grep -q R_X86 && fail "has relocations"
[ -z "$(nm -D --defined-only "$work/agent.so" | grep -v ' T graft_helper_')" ] || fail "exports more than helpers"
set -- $(readelf -SW "$work/agent.so" | sed -n 's/^ *\[ *[0-9]*\] \.text  *PROGBITS *[0-9a-f]* [0-9a-f]* \([0-9a-f]*\).*/\1/p')
[ $((0x$1)) -lt $((124 * 1024)) ] || fail "image of 0x$1 bytes is too large"
readelf -SW "$work/agent.so" | grep -q ' \.data ' && fail "has writable data"
objdump -d "$work/agent.so" | grep -q '%[xyz]mm[0-9]\|%st\b' && fail "uses vector or x87 registers"
cmp -s "$work/agent.so" "$out" || cp "$work/agent.so" "$out"
