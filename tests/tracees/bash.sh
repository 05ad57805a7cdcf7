# The shell itself: an interpreter that forks.
#
# probes: uprobe:colon_builtin uretprobe:colon_builtin
# requirements: 25
calls=0

work_on() {
  local i=0
  while ((i < $1)); do
    :
    ((i += 1))
  done
  [ "$(echo child)" = child ] || problem="the child did not answer"
  calls=$((calls + $1))
}

while read -r what times; do
  calls=0 problem=
  if [ "$what" = turn ]; then
    work_on "$times"
    while ! read -r -t 0; do
      work_on "$times"
    done
  else
    work_on "$times"
  fi
  if [ -n "$problem" ]; then echo "wrong $problem"; else echo "ok $calls $calls"; fi
done
