#!/usr/bin/env bash
# Whether backward connections pay: digits, and digits read as sequences, with one, two and three passes, at equal MACs.
#
#   benchmarks/cycles.sh [--out DIR] [--data digits|sequence] [--seeds N] [--epochs N] [--share PERCENT] [--jobs N]
#
# One pass has the dense wiring of the same layers; two and three have all backward connections besides that bring feature
# maps to layers with weights. Each is searched from every seed, every search is cut to at most the same MACs, a share of
# those of one pass, and each cut is trained from scratch without gates. It prints a line for each number of passes, with
# the MACs that the cuts came to, and leaves DATA-PASSES.json. The same command goes on where it was interrupted. With
# five seeds and the presets' epochs it takes hours on two CPU cores.
set -euo pipefail

fail() { echo "cycles.sh: $1" >&2; exit 2; }

out=cycles data='' seeds=5 epochs='' share=75 jobs=1
while (($#)); do
  case $1 in
    --out | --data | --seeds | --epochs | --share | --jobs)
      (($# > 1)) || fail "$1 needs a value."
      printf -v "${1#--}" %s "$2"; shift 2 ;;
    *) fail "found $1, expected --out, --data, --seeds, --epochs, --share or --jobs." ;;
  esac
done
[[ $data =~ ^(|digits|sequence)$ ]] || fail "--data: found $data, expected digits or sequence."
few=()
[[ $epochs ]] && few=(--epochs "$epochs")

mkdir -p "$out"
cd "$out"

# wiring DATA PASSES: the configuration.
wiring() {
  if [[ $1 = digits ]]; then
    echo "preset: unrolled"
    echo "unroll: $2"
    (($2 == 1)) && echo "connections: dense" || echo "connections: complete"
    return
  fi
  # The pooling and the dropout pass on what they read, and read no later layer.
  echo "preset: sequence"
  echo "unroll: $2"
  (($2 > 1)) || return 0
  cat << 'YAML'
connections:
  conv1: [input, lstm1, conv2, gru1]
  lstm1: [input, conv1, conv2, gru1]
  pool1: [input, conv1, lstm1]
  dropout1: [input, conv1, lstm1, pool1]
  conv2: [input, conv1, lstm1, pool1, dropout1, gru1]
  gru1: [input, conv1, lstm1, pool1, dropout1, conv2]
  head: [input, conv1, lstm1, pool1, dropout1, conv2, gru1]
YAML
}

compare() {
  local data=$1 passes=$2 most=$3 cuts=() seed
  for ((seed = 1; seed <= seeds; seed++)); do
    local search=$data-$passes-$seed
    connprune train --config "$data-$passes.yaml" --seed "$seed" "${few[@]}" --run "$search" --resume --quiet > /dev/null
    [[ -e $search-cut ]] || connprune prune "$search" --max-macs "$most" --out "$search-cut" --quiet > /dev/null
    cuts+=("$search-cut")
  done
  connprune retrain "${cuts[@]}" --against parent "${few[@]}" --jobs "$jobs" --run "compare-$data-$passes" --quiet --json > "$data-$passes.json"
  python3 - "$data" "$passes" << 'PYTHON'
import json, statistics, sys

data, passes = sys.argv[1:]
with open(f"{data}-{passes}.json", encoding="utf-8") as file:
    rows = json.load(file)["rows"]
networks = next(row for row in rows if row["network"] == "cut")["networks"]
accuracies = [statistics.fmean(run["test_accuracy"] for run in network["runs"]) for network in networks]
spread = statistics.stdev(accuracies) if len(accuracies) > 1 else 0
counts = {key: statistics.fmean(network[key] for network in networks) for key in ("connections", "parameters", "macs")}
print(
    f"{data}, {passes} pass{'es' if passes != '1' else ''}: test {statistics.fmean(accuracies):.2%} ± {100 * spread:.2f} "
    f"over {len(accuracies)} searches; {counts['connections']:.1f} connections, {counts['parameters']:,.0f} parameters, "
    f"{counts['macs']:,.0f} MACs"
)
PYTHON
}

for name in ${data:-digits sequence}; do
  for passes in 1 2 3; do
    wiring "$name" "$passes" > "$name-$passes.yaml"
  done
  whole=$(connprune inspect --config "$name-1.yaml" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["macs"])')
  for passes in 1 2 3; do
    compare "$name" "$passes" $((whole * share / 100))
  done
done
