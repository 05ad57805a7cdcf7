echo ready; read -r line
f() { local n=$1; if [ $n -le 1 ]; then echo 1; else echo $(( n * $(f $((n-1))) )); fi; }
f 12
declare -A m; for i in $(seq 300); do m[k$i]=$((i*i%97)); done
for k in "${!m[@]}"; do echo "$k=${m[$k]}"; done | sort | md5sum
s=""; for ((i=0;i<2000;i++)); do s+=$((i%7)); done; echo ${#s} "${s//3/x}" | md5sum
trap 'echo trapped' USR1; kill -USR1 $$; 
x=$( (exit 3) ); echo $?
set -- a "b c" d; for a in "$@"; do printf '%q ' "$a"; done; echo
case abc in a*) echo yes;; esac
[[ "foo123" =~ ^([a-z]+)([0-9]+)$ ]] && echo "${BASH_REMATCH[@]}"
echo {1..20} $((0x1f)) ${s:3:9} ~root $(<work.sh wc -l)
while read -r l; do ((c++)); done < work.sh; echo $c
printf '%5.2f|%-8s|%x\n' 3.14159 ab 255
cat <<X | tr a-z A-Z
here $(echo doc) ${m[k7]}
X
for i in $(seq 30); do /bin/true; done & wait; echo ended
read -t 0.01 q < /dev/zero; echo $?
mapfile -t arr < <(seq 50); echo ${#arr[@]} ${arr[-1]}
