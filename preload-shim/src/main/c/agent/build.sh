#!/bin/sh
# Builds the agent and checks what a target relies on. Usage: build.sh JAVA LAYOUTS GENERATOR WORK OUTPUT.so
set -eu
java=$1 layouts=$2 generator=$3 work=$4 out=$5 name=agent
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../native.sh"
mkdir -p "$work" "$(dirname "$out")"
"$java" -XX:TieredStopAtLevel=1 "$generator" c "$work/layout.h" "$layouts/pool.layout" "$layouts/map.layout" "$layouts/unwind.layout"
compile "$here"
ld -shared -z noexecstack --build-id=none --no-warn-rwx-segments -T "$here/../flat.lds" -o "$work/agent.so" "$work"/objects/*.o
check "$work/agent.so" ' T graft_\(helper_\|cancel_later\)' $((160 * 1024))
readelf -r "$work/agent.so" | grep -q R_X86 && fail "has relocations"
set -- $(readelf -SW "$work/agent.so" | sed -n 's/^ *\[ *[0-9]*\] \.text  *PROGBITS *[0-9a-f]* [0-9a-f]* \([0-9a-f]*\).*/\1/p')
[ $((0x$1)) -lt $((124 * 1024)) ] || fail "image of 0x$1 bytes is too large"
cmp -s "$work/agent.so" "$out" || cp "$work/agent.so" "$out"
