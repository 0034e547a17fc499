#!/usr/bin/env bash
# Whether a wiring that was found on small images is worth anything in a larger network: searches of small CIFAR images, cut
# to half of their parameters and MACs, each cut grown to twice its layers and trained on larger images, beside grown
# random wirings of the cut's cost, chain and dense network at as many MACs; and what recurs in the cuts.
#
#   benchmarks/grow.sh --data DIR [--out DIR] [--small SIDE] [--large SIDE] [--wirings N] [--searches N] [--epochs N]
#                      [--grown-epochs N] [--images N] [--jobs N] [--dry-run]
#
# A search and its comparison have the same seed, each search another. It leaves patterns.json, and for each search
# grown-SEED.yaml and grown-SEED.json, and prints how the grown cuts do beside each baseline, over searches. The same command
# goes on where it was interrupted. With --dry-run it says what it would train. --images trains on so many alone. --data is a
# folder of images with train/ and test/, which is decoded in both sizes.
set -euo pipefail

fail() { echo "grow.sh: $1" >&2; exit 2; }

out=growth data='' small=16 large=32 wirings=3 searches=5 epochs='' grown_epochs='' images='' jobs=1 dry=
while (($#)); do
  case $1 in
    --dry-run) dry=1; shift ;;
    --out | --data | --small | --large | --wirings | --searches | --epochs | --grown-epochs | --images | --jobs)
      (($# > 1)) || fail "$1 needs a value."
      name=${1#--}
      printf -v "${name//-/_}" %s "$2"; shift 2 ;;
    *) fail "found $1, expected --out, --data, --small, --large, --wirings, --searches, --epochs, --grown-epochs, --images, --jobs or --dry-run." ;;
  esac
done
[[ -d $data ]] || fail "--data: expected a folder with train/ and test/, a folder for each class in it."
data=$(realpath "$data")
here=$(realpath "$(dirname "$0")")
few=()
[[ $epochs ]] && few=(--epochs "$epochs")
few_grown=()
[[ $grown_epochs ]] && few_grown=(--set "training.epochs=$grown_epochs")

# The layers of `search` at a quarter of their width, with an averaged head, behind batch normalisation.
small_network=(
  --preset search --data "$data" --set "data.size=[$small, $small]"
  --set layers.0.feature_maps=8 --set layers.1.feature_maps=8 --set layers.4.feature_maps=16 --set layers.5.feature_maps=16
  --set layers.0.norm=batch --set layers.1.norm=batch --set layers.4.norm=batch --set layers.5.norm=batch
  --set gates.kind=bernoulli --set gates.penalty=0 --set gates.penalise=expected-cost
  --set 'gates.budget={parameters: 50%, macs: 50%}' --set layers.1.padding=same --set layers.5.padding=same --set head.reduce=average --set 'head.hidden=[]'
)
# Few images to train on leave as many to validate on as of all of them 4%.
[[ $images ]] && small_network+=(--set "data.train_images=$images" --set data.validation=0.04)

mkdir -p "$out"
cd "$out"

cuts=() comparisons=()
for ((seed = 1337; seed < 1337 + searches; seed++)); do
  if [[ $dry ]]; then
    echo "search $seed, cut to half of its parameters and MACs, grown to twice the layers beside $wirings random wirings, chain and dense"
    continue
  fi
  connprune train "${small_network[@]}" --seed "$seed" "${few[@]}" --run "search-$seed" --resume --quiet > /dev/null
  [[ -e cut-$seed ]] || connprune prune "search-$seed" --out "cut-$seed" --quiet > /dev/null
  [[ -s grown-$seed.yaml ]] || connprune grow "cut-$seed" --input "3x${large}x$large" --repeat 2 --data "$data" \
    --against "random-cost:$wirings,chain,dense" "${few_grown[@]}" --quiet \
    | sed "s/^seeds: .*/seeds: [$seed]/" > "grown-$seed.yaml"
  connprune sweep "grown-$seed.yaml" --jobs "$jobs" --run "compare-$seed" --json > "grown-$seed.json"
  cuts+=("cut-$seed")
  comparisons+=("grown-$seed.json")
done
if [[ $dry ]]; then
  connprune train "${small_network[@]}" "${few[@]}" --dry-run > /dev/null
  exit
fi

connprune inspect "${cuts[@]}" --patterns --figures . --json > patterns.json
python3 "$here/../docs/results/grown.py" "${comparisons[@]}"
