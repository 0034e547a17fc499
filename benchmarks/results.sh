#!/usr/bin/env bash
# The experiments of docs/experiments.md on CIFAR-10, from the images to the JSON of every table.
#
#   benchmarks/results.sh --scale cpu|full --data DIR [--jobs N] [--out DIR] [--part NAME] [--procedure NAME] [--dry-run]
#
# --part runs one part alone: gates, starts, pressure, merges, strong, searches, flattened, averaged or digits. The last
# three judge the procedure that `searches` chose; --procedure names another, so that they need not wait for it.
#
# --data is what `connprune train --data` takes: `cifar10`, or a folder of images. The same command goes on where an
# interrupted one was: what is trained is not trained again. With --dry-run it only writes the sweeps' files and counts.
#
#   cpu   the layers of `blog` with a quarter of the feature maps, on 5,000 images shrunk to 16×16, 20 epochs. The
#         penalties are ten times those of full, since there are 3,140 steps to close a gate in and not 281,400.
# The preset `strong` with a quarter of its feature maps too, for 30 epochs, under the penalties of full.
#   full  the layers and the epochs of the post, on all images; and the preset `strong`. Days on one GPU.
set -euo pipefail

fail() { echo "results.sh: $1" >&2; exit 2; }

scale='' data='' jobs=1 out='' part='' procedure='' dry=''
while (($#)); do
  case $1 in
    --scale | --data | --jobs | --out | --part | --procedure)
      (($# > 1)) || fail "$1 needs a value."
      printf -v "${1#--}" %s "$2"; shift 2 ;;
    --dry-run) dry=--dry-run; shift ;;
    *) fail "found $1, expected --scale, --data, --jobs, --out, --part, --procedure or --dry-run." ;;
  esac
done
[[ $data ]] || fail "--data: name the images."
parts=(gates starts pressure merges strong searches flattened averaged digits)
if [[ $part ]]; then
  [[ " ${parts[*]} " = *" $part "* ]] || fail "--part: found $part, expected one of ${parts[*]}."
  parts=("$part")
fi
[[ -d $data ]] && data=$(realpath "$data")

case $scale in
  cpu)
    penalty=0.01 less=0.003 least=0.001 penalty_of_maps=0.001
    base="
  layers:
    - {kind: conv, feature_maps: 8, kernel: 3, padding: same}
    - {kind: conv, feature_maps: 8, kernel: 3, padding: valid}
    - {kind: max-pool, size: 2}
    - {kind: dropout, rate: 0.25}
    - {kind: conv, feature_maps: 16, kernel: 3, padding: same}
    - {kind: conv, feature_maps: 16, kernel: 3, padding: valid}
    - {kind: max-pool, size: 2}
    - {kind: dropout, rate: 0.25}
  head: {reduce: flatten, hidden: [128], activation: relu, dropout: 0.5}
  data: {source: '$data', size: [16, 16], train_images: 5000, validation: 0.04}
  training: {epochs: 20, checkpoint_epochs: 20}"
    narrow='s/feature_maps: 64\b/feature_maps: 16/; s/feature_maps: 128\b/feature_maps: 32/; s/feature_maps: 256\b/feature_maps: 64/'
    strong="data.source: '$data', data.size: [16, 16], data.train_images: 5000, data.validation: 0.04,
      training.epochs: 30, training.batch_size: 64, training.precision: float32, training.checkpoint_epochs: 10" ;;
  full)
    penalty=0.001 less=0.0003 least=0.0001 penalty_of_maps=0.0001
    base="
  data: {source: '$data'}
  training: {epochs: 200, checkpoint_epochs: 10}"
    narrow='' strong="data.source: '$data', training.checkpoint_epochs: 10" ;;
  *) fail "--scale: found '$scale', expected cpu or full." ;;
esac

out=${out:-results-$scale}
mkdir -p "$out"
cd "$out"

# Writes the file of a sweep: its labels are on stdin, and differ from the base in nothing else; its seeds, if not
# three, come second.
plan() {
  cat > "$1.yaml" <<YAML
base:
  preset: search
  gates: {penalty: $penalty, penalty_warmup: 0.5}$base
seeds: ${2:-3}
axes:
  $1:
$(cat)
YAML
}

# Keeps what a command prints, whole or not at all.
keep() {
  "${@:2}" > "$1.part"
  mv "$1.part" "$1"
}

sweep() {
  if [[ $dry ]]; then connprune sweep "$1.yaml" --dry-run > /dev/null; return; fi
  keep "$1.json" connprune sweep "$1.yaml" --run "$1" --jobs "$jobs" --figures "figures/$1" --json
}

prune() {
  [[ $dry || -d $2 ]] || connprune prune "$1" "${@:3}" --out "$2"
}

retrain() {
  [[ $dry ]] && return
  keep "$1.json" connprune retrain "$2" --against "$3" --seeds 3 --jobs "$jobs" --run "$1" --json
}

# Whether seeds find the same wiring.
agree() {
  [[ $dry ]] && return
  keep "$1-agreement.json" connprune inspect "gates/jobs/$1"/seed-* --figures "figures/$1" --json
}

# How far a parent's seeds can be cut by each criterion, by the accuracy on validation images without retraining.
cut_far() {
  [[ $dry ]] && return
  mkdir -p how-far
  for by in "${@:3}"; do
    for seed in 1337 1338 1339; do
      keep "how-far/$2-$by-$seed.json" connprune prune "$1/seed-$seed" --dry-run --sweep --by "$by" --json
    done
  done
}

plain='gates.penalty: 0, gates.rate: null, gates.temperature: {start: 1.0, end: 1.0}, training.optimizer: {kind: adam, rate: 0.001},
      training.schedule: {kind: plateau, factor: 0.1, patience: 5, floor: 1.0e-7}'

# The post's experiment 1: gates per connection and per feature map, with and without the sigmoid, as the post trained
# them and with a penalty on the gates.
gates() {
  plan gates <<YAML
    plain: {$plain}
    plain-linear: {$plain, gates.kind: linear}
    plain-maps: {$plain, gates.sharing: per-feature-map}
    plain-maps-linear: {$plain, gates.sharing: per-feature-map, gates.kind: linear}
    pressure: {}
    pressure-linear: {gates.kind: linear}
    pressure-maps: {gates.sharing: per-feature-map, gates.penalty: $penalty_of_maps}
    pressure-maps-linear: {gates.sharing: per-feature-map, gates.kind: linear, gates.penalty: $penalty_of_maps}
YAML
  sweep gates
  for name in 001-plain 003-plain-maps 005-pressure 007-pressure-maps; do agree "$name"; done

  cut_far gates/jobs/005-pressure search gate strength saliency ablation random

  # Cut and trained again: the connections that ended near zero, at three thresholds, and as many by another criterion.
  parent=gates/jobs/005-pressure/seed-1337
  prune "$parent" cut --threshold 0.01
  prune "$parent" cut-0.1 --threshold 0.1
  prune "$parent" cut-0.5 --threshold 0.5
  prune "$parent" cut-strength --sparsity 0.6 --by strength
  retrain retrained cut parent,dense,chain,random:4,random-params:4,finetune,cut-0.1,cut-0.5,cut-strength
}

# The post's insights: neither where gates start nor how activations are resized matters.
starts() {
  plan starts <<YAML
    half-bilinear: {}
    zero: {gates.initialisation: {kind: constant, value: 0}}
    one: {gates.initialisation: {kind: constant, value: 1}}
    normal: {gates.initialisation: {kind: normal, mean: 0.5, deviation: 0.5}}
    feed-forward: {gates.initialisation: {kind: feed-forward, chain: 1, rest: 0.5}}
    nearest: {merge.interpolation: nearest}
    bicubic: {merge.interpolation: bicubic}
    area: {merge.interpolation: area}
YAML
  sweep starts
}

# How much, and how fast, gates are penalised.
pressure() {
  plan pressure <<YAML
    search: {}
    less: {gates.penalty: $less}
    least: {gates.penalty: $least}
    slow: {gates.rate: 0.01}
    fast: {gates.rate: 0.1}
YAML
  sweep pressure
  for name in 002-less 003-least 004-slow 005-fast; do cut_far "pressure/jobs/$name" "${name#*-}" gate; done
}

# The post's guess about merges, with a penalty and as the post trained.
merges() {
  plan merges <<YAML
    concat: {}
    sum: {merge.aggregate: sum}
    max: {merge.aggregate: max}
    squeeze: {merge.aggregate: squeeze}
    pad: {merge.resize: pad}
YAML
  sweep merges
  plan plain-merges <<YAML
    concat: {$plain}
    sum: {$plain, merge.aggregate: sum}
    max: {$plain, merge.aggregate: max}
    squeeze: {$plain, merge.aggregate: squeeze}
    pad: {$plain, merge.resize: pad}
YAML
  sweep plain-merges
}

# A strong network: searched under three penalties, cut, and trained again beside the same layers with all connections,
# as a chain, and randomly wired.
strong() {
  cat > strong.yaml <<YAML
base:
$(connprune presets strong | sed -e 's/^/  /' -e "$narrow")
seeds: 3
axes:
  strong:
    open: {$strong}
    entropy: {$strong, gates.kind: sigmoid, gates.initialisation.value: 0, gates.penalise: entropy,
      gates.penalty: 0.003, gates.penalty_warmup: 0.5}
    size: {$strong, gates.kind: sigmoid, gates.initialisation.value: 0.5}
YAML
  sweep strong
  for name in 001-open 002-entropy 003-size; do cut_far "strong/jobs/$name" "${name#*-}" gate; done
  prune strong/jobs/001-open/seed-1337 strong-cut --threshold 0.01
  retrain strong-retrained strong-cut dense,chain,random:2
}

# A procedure is a kind of gates and what penalises them, from the first step or once the weights have learned something.
# Every search is cut to a quarter of both counts and trained again; that whose cuts do best on the validation images is
# then judged, by searches and trainings with other seeds, so that what chose it does not count for it.
cost='gates.penalise: expected-cost, gates.penalty: 0, gates.budget: {parameters: 25%, macs: 25%}'
declare -A procedures=(
  [sum]=''
  [sum-at-once]='gates.penalty_warmup: 0'
  [cost]="$cost"
  [cost-at-once]="$cost, gates.penalty_warmup: 0"
  [bernoulli]="$cost, gates.kind: bernoulli"
  [bernoulli-at-once]="$cost, gates.kind: bernoulli, gates.penalty_warmup: 0"
  [hard-concrete]="$cost, gates.kind: hard-concrete"
  [hard-concrete-at-once]="$cost, gates.kind: hard-concrete, gates.penalty_warmup: 0"
  [top-k]='gates.kind: top-k, gates.open: 40%, gates.penalty: 0'
)
order=(sum sum-at-once cost cost-at-once bernoulli bernoulli-at-once hard-concrete hard-concrete-at-once top-k)

# then_sweep NAME STEPS…: a sweep whose searches are cut and compared.
then_sweep() {
  local name=$1 step steps=()
  shift
  if [[ $dry ]]; then sweep "$name"; return; fi
  for step in "$@"; do steps+=(--then "$step"); done
  keep "$name.json" connprune sweep "$name.yaml" --run "$name" --jobs "$jobs" "${steps[@]}" --json
}

searches() {
  plan searches < <(for name in "${order[@]}"; do echo "    $name: {${procedures[$name]}}"; done)
  then_sweep searches 'prune --max-params 25% --max-macs 25% / retrain --against random-cost:1'
}

# The keys of the procedure that is judged, with others.
judged() {
  local name=${procedure:-sum} keys
  if [[ ! $procedure && ! $dry ]]; then
    [[ -s searches.json ]] || fail "the part searches chooses the procedure: run it before, or name one by --procedure."
    name=$(jq -r '[.then[] | {name: .cell.searches, found: .comparison.rows[0].validation_accuracy}] | max_by(.found).name' \
      searches.json)
  fi
  keys=${procedures[$name]}
  echo "{$keys${keys:+${1:+, }}$1}"
}

# equal_cost NAME KEYS: its searches, with other keys, cut to three budgets of both counts, each cut beside random wirings and
# scaled networks of its own cost.
equal_cost() {
  local baselines=random-cost:8,dense-scaled:params,dense-scaled:macs,chain-scaled:params,chain-scaled:macs
  local keys budget steps=()
  keys=$(judged "$2")
  plan "$1" '[1, 2, 3, 4, 5]' <<YAML
    as-it-is: $keys
YAML
  for budget in 50 25 12; do
    steps+=("prune --max-params $budget% --max-macs $budget% / retrain --against $baselines")
  done
  then_sweep "$1" "${steps[@]}"
}

# With the flattened head of the post, and with an averaged one.
flattened() { equal_cost flattened ''; }
averaged() { equal_cost averaged 'head.reduce: average'; }

# The same on other images: the embedded digits, as their preset searches; they have few wirings of the cost of a small cut.
digits() {
  local keys
  keys=$(judged '')
  cat > digits.yaml <<YAML
base: {preset: digits}
seeds: [1, 2, 3, 4, 5]
axes:
  digits:
    as-it-is: $keys
YAML
  then_sweep digits 'prune --max-params 50% --max-macs 50% / retrain --epochs 40 --against random-cost:4'
}

[[ ! $procedure || ${procedures[$procedure]+there} ]] || fail "--procedure: found $procedure, expected one of ${order[*]}."
for part in "${parts[@]}"; do "$part"; done
