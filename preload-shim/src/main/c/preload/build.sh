#!/bin/sh
# Builds the LD_PRELOAD library and checks it. Usage: build.sh JAVA LAYOUTS GENERATOR WORK OUTPUT.so
set -eu
java=$1 layouts=$2 generator=$3 work=$4 out=$5 name=preload
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../native.sh"
mkdir -p "$work" "$(dirname "$out")"
"$java" -XX:TieredStopAtLevel=1 "$generator" c "$work/layout.h" "$layouts/preload.layout"
compile "$here"
ld -shared -s -z noexecstack -z relro -z now -z noseparate-code --build-id=none -soname graft-preload.so --hash-style=gnu \
    -o "$work/preload.so" "$work"/objects/*.o
check "$work/preload.so" '^$' $((16 * 1024))
readelf -rW "$work/preload.so" | grep R_X86 | grep -qv R_X86_64_RELATIVE && fail "has relocations against symbols"
[ "$(readelf -SW "$work/preload.so" | sed -n 's/.* \.init_array  *INIT_ARRAY *[0-9a-f]* [0-9a-f]* \([0-9a-f]*\).*/\1/p')" = 000008 ] ||
    fail "must have one constructor"
cmp -s "$work/preload.so" "$out" || cp "$work/preload.so" "$out"
