"""How long commands that compute nothing take beside the libraries that they cannot do without.

python benchmarks/startup.py [--rounds 15]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PRESET = Path(__file__).parents[1] / "connprune" / "architecture" / "presets" / "digits.yaml"
COMMANDS = {
    "import typer, rich": [sys.executable, "-c", "import typer, rich"],
    "connprune --version": [sys.executable, "-m", "connprune", "--version"],
    "connprune --help": [sys.executable, "-m", "connprune", "--help"],
    "connprune train --help": [sys.executable, "-m", "connprune", "train", "--help"],
    "connprune presets": [sys.executable, "-m", "connprune", "presets"],
    # These two validate with pydantic, whose import takes three quarters of the first line's time again.
    "connprune runs": [sys.executable, "-m", "connprune", "runs"],
    "connprune check": [sys.executable, "-m", "connprune", "check", str(PRESET)],
}


def main() -> None:
    """Prints the least time of each command, taken in turns, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as compiled:
        # The first round, which does not count, compiles what is imported, as an installer or a first start does.
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for _ in range(rounds + 1):
            for name, command in COMMANDS.items():
                started = time.perf_counter()
                subprocess.run(
                    command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
                )
                seconds[name].append(time.perf_counter() - started)
    least = {name: min(taken[1:]) for name, taken in seconds.items()}
    baseline = next(iter(least.values()))
    for name, taken in least.items():
        print(f"{name:<24} {taken * 1000:6.0f} ms  {taken / baseline:.2f}")


if __name__ == "__main__":
    main()
