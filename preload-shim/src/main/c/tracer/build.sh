#!/bin/sh
# Builds the tracer, the routine that runs in the daemon while a target is stopped. Usage: build.sh JAVA LAYOUTS
# GENERATOR WORK OUTPUT.so
set -eu
java=$1 layouts=$2 generator=$3 work=$4 out=$5 name=tracer
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../native.sh"
mkdir -p "$work" "$(dirname "$out")"
"$java" -XX:TieredStopAtLevel=1 "$generator" c "$work/layout.h" "$layouts/pool.layout" "$layouts/tracer.layout"
compile "$here"
ld -shared -z noexecstack --build-id=none --no-warn-rwx-segments -T "$here/../flat.lds" -o "$work/tracer.so" "$work"/objects/*.o
check "$work/tracer.so" ' T graft_tracer_run' $((32 * 1024))
readelf -r "$work/tracer.so" | grep -q R_X86 && fail "has relocations"
cmp -s "$work/tracer.so" "$out" || cp "$work/tracer.so" "$out"
