#!/usr/bin/env bash
# What a cut keeps, and what its weights are worth: the preset `digits` from three seeds, cut by the loss of accuracy that
# is allowed and by a threshold on the gates, and each cut fine-tuned beside itself from scratch.
#
#   benchmarks/after_the_cut.sh [--out DIR] [--epochs N] [--jobs N] [--preset NAME]
#
# It prints a line for each cut, and leaves max-drop.json and threshold.json. The same command goes on where it was
# interrupted. On two CPU cores three searches take about six minutes, and the twelve trainings after them half an hour.
set -euo pipefail

fail() { echo "after_the_cut.sh: $1" >&2; exit 2; }

out=after-the-cut epochs='' jobs=1 preset=digits
while (($#)); do
  case $1 in
    --out | --epochs | --jobs | --preset)
      (($# > 1)) || fail "$1 needs a value."
      printf -v "${1#--}" %s "$2"; shift 2 ;;
    *) fail "found $1, expected --out, --epochs, --jobs or --preset." ;;
  esac
done
few=()
[[ $epochs ]] && few=(--epochs "$epochs")

mkdir -p "$out"
cd "$out"

seeds=(1337 1338 1339)
for seed in "${seeds[@]}"; do
  connprune train --preset "$preset" --seed "$seed" "${few[@]}" --run "search-$seed" --resume --quiet > /dev/null
done

# rule NAME OPTIONS…: cuts the three searches by a rule, and fine-tunes each beside itself from scratch.
rule() {
  local name=$1 cuts=()
  shift
  for seed in "${seeds[@]}"; do
    local cut=$name-$seed
    [[ -e $cut ]] || connprune prune "search-$seed" "$@" --out "$cut" --quiet > /dev/null
    python3 - "$cut" << 'PYTHON'
import json, sys

path = sys.argv[1]
with open(f"{path}/cut.json", encoding="utf-8") as file:
    cut = json.load(file)
before, after = cut["before"], cut["after"]
print(
    f"{path}: {after['connections']} of {before['connections']} connections, "
    f"{after['parameters'] / before['parameters']:.1%} of the parameters, {after['macs'] / before['macs']:.1%} of the MACs; "
    f"validation {before['validation_accuracy']:.2%} -> {after['validation_accuracy']:.2%}, "
    f"test {before['test_accuracy']:.2%} -> {after['test_accuracy']:.2%}"
)
PYTHON
    cuts+=("$cut")
  done
  connprune retrain "${cuts[@]}" --from cut --against scratch "${few[@]}" \
    --jobs "$jobs" --run "compare-$name" --json > "$name.json"
}

rule max-drop --max-drop 0.5
rule threshold --threshold 0.01
