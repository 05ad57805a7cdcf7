# A loop for a small shell.
while read -r what times; do
  turns=$what
  while
    i=0
    while [ "$i" -lt "$times" ]; do
      i=$((i + 1))
    done
    [ "$turns" = turn ] && ! read -t 0
  do :; done
  echo ok
done
