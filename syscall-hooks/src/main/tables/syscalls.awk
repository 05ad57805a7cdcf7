# Joins numbers, arguments and kinds: see syscalls.kinds for the lines that come in.
# Blanks in C types are asterisks in patterns of types, so that a pattern is one word.
/^#/ || NF == 0 { next }
$1 == "number" { if (!($2 in number)) { number[$2] = $3; order[++calls] = $2 }; next }
$1 == "traced" { traced[$2] = $3; next }
$1 == "arguments" { fallback[$2] = rest(3); next }
$1 == "traced_arguments" { arguments[$2] = rest(3); known[$2] = 1; next }
$1 == "kind" { rules++; ruletype[rules] = pattern($2); rulename[rules] = pattern($3); rulekind[rules] = $4; next }
$1 == "call" {
  for (i = 3; i <= NF; i++) {
    if ($i == "->") {
      result[$2] = $(i + 1)
      i++
    } else {
      split($i, pair, "=")
      override[$2, pair[1]] = substr($i, length(pair[1]) + 2)
    }
  }
  next
}
$1 == "group" { for (i = 3; i <= NF; i++) { if (!(($i, $2) in member)) { member[$i, $2] = 1; groups[$i] = groups[$i] " %" $2 } }; next }
{ print "syscalls.awk: unknown line: " $0 >"/dev/stderr"; exit 1 }

function rest(from,   i, text) {
  for (i = from; i <= NF; i++) { text = text (i == from ? "" : " ") $i }
  return text
}

# A glob as a regular expression of the whole text; \* is a pointer's asterisk.
function pattern(glob) {
  gsub(/\\\*/, "@", glob)
  gsub(/\*/, ".*", glob)
  gsub(/@/, "[*]", glob)
  return "^" glob "$"
}

function kind(call, type, name,   i) {
  if ((call, name) in override) { used[call, name] = 1; return override[call, name] }
  for (i = 1; i <= rules; i++) { if (type ~ ruletype[i] && name ~ rulename[i]) { return rulekind[i] } }
  return "hex"
}

function show(call,   text, count, list, i, words, n, type, name, lines, file, desc, j, kinds) {
  text = known[tracename(call)] ? arguments[tracename(call)] : fallback[call]
  count = text == "" ? 0 : split(text, list, /; */)
  for (i = 1; i <= count; i++) {
    n = split(list[i], words, " ")
    name = words[n]
    type = words[1]
    for (j = 2; j < n; j++) { type = type " " words[j] }
    sub(/^const \*/, "", name)
    kinds = kind(call, type, name)
    file = file || kinds == "path"
    desc = desc || kinds == "fd" || kinds == "dirfd"
    lines = lines "  " kinds " " name " " type "\n"
  }
  desc = desc || ((call in result) && result[call] == "fd")
  printf "%d %s %s%s%s%s%s\n%s", number[call], call, (call in result) ? result[call] : "dec", \
    (call in traced) ? " @" traced[call] : "", file ? " %file" : "", desc ? " %desc" : "", groups[call], lines
}

function tracename(call) { return (call in traced) ? traced[call] : call }

END {
  for (i = 1; i <= calls; i++) { byNumber[number[order[i]]] = order[i]; if (number[order[i]] > last) { last = number[order[i]] } }
  for (i = 0; i <= last; i++) { if (i in byNumber) { show(byNumber[i]) } }
  for (key in override) { if (!(key in used)) { split(key, part, SUBSEP); print "syscalls.awk: " part[1] " has no argument " part[2] >"/dev/stderr"; bad = 1 } }
  exit bad
}
