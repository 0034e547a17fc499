#!/usr/bin/env bash
# What docs/performance.md says of a GPU, measured: at most nine minutes on one, a line of JSON for each figure.
#
#   benchmarks/gpu.sh [--device cuda] [--tiny] [CHECK…] >figures.jsonl
#
# Each line has name, value, unit, device, driver, torch, commit, and the check it belongs to; `value` is null where a check failed or
# ran out of time, and `error` says why. What happens meanwhile goes to standard error. Nothing is downloaded: random images of the
# shape of CIFAR-10, and the embedded digits. Every check is a process of its own, so one that fails leaves the others whole; the exit
# code is 1 then. PYTHON names the interpreter (python), BUDGET the seconds of all (520).
#
# --tiny measures nothing worth knowing on smaller networks, to see whether the script itself works, on a CPU too; a check may then
# take all the time that is left.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=${PYTHON:-python} budget=${BUDGET:-520} device=cuda tiny='' wanted=()
# The order is that of what one wants to know most, should the time run out. A check, and the seconds that it may take.
declare -A most=([machine]=40 [correct]=60 [step]=140 [blog]=60 [strong]=90 [digits]=40 [eight]=120 [deterministic]=60 [compiled]=90)
order=(machine correct step blog strong digits eight deterministic compiled)

fail() { echo "gpu.sh: $1" >&2; exit 2; }
while (($#)); do
  case $1 in
    --device) (($# > 1)) || fail "--device needs a value."; device=$2; shift 2 ;;
    --tiny) tiny=--tiny; shift ;;
    -*) fail "found $1, expected --device, --tiny or the name of a check." ;;
    *) [[ ${most[$1]:-} ]] || fail "found $1, expected a check: ${order[*]}."; wanted+=("$1"); shift ;;
  esac
done
((${#wanted[@]})) || wanted=("${order[@]}")

driver=$(nvidia-smi --query-gpu=driver_version --format=csv,noheader 2>/dev/null | head -n 1) || driver=''
commit=$(git -C "$here" rev-parse --short HEAD 2>/dev/null) || commit=''
[[ $commit && $(git -C "$here" status --porcelain 2>/dev/null) ]] && commit+=' and changes'
export DRIVER=$driver COMMIT=$commit PYTHONPATH=$here/..${PYTHONPATH:+:$PYTHONPATH}

status=0
failed() {
  status=1
  printf '{"check": "%s", "name": "%s", "value": null, "unit": null, "device": null, "driver": "%s", "torch": null, "commit": "%s", ' \
    "$1" "$1" "$DRIVER" "$COMMIT"
  printf '"error": "%s"}\n' "$2"
}
for check in "${wanted[@]}"; do
  left=$((budget - SECONDS)) seconds=${most[$check]}
  [[ $tiny ]] || ((seconds > left)) && seconds=$left
  if ((seconds < 1)); then
    code=124
  else
    echo "gpu.sh: $check, at most $seconds s" >&2
    timeout -k 10 "$seconds" "$python" "$here/gpu.py" "$check" --device "$device" $tiny
    code=$?
  fi
  case $code in
    0) ;;
    124 | 137) failed "$check" "it did not end within its time" ;;
    *) failed "$check" "it ended with code $code; standard error says why" ;;
  esac
done
exit $status
