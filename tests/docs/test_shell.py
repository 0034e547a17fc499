"""Every shell block of the documentation is run, or says why not.

The blocks of a page run in order, each in a bash of its own with `set -euo pipefail`, in one new directory, with the
installed command. Two things are made easy for them: `train` takes few images and epochs unless the block says how
many, and what a page takes for granted is there.
"""

import json
import os
import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest
from PIL import Image

from connprune.data.settings import DataSettings
from connprune.data.sources import load
from tests.conftest import Command
from tests.docs.blocks import PAGES, REASONS, ROOT, Block, blocks, files, shell_blocks

LANGUAGES = {"mermaid", "python", "sh", "text", "yaml", "{eval-rst}"}
BLOCKS = [block for page in PAGES for block in shell_blocks(page)]
RUN = [page for page in PAGES if any(block.reason is None for block in shell_blocks(page))]

# What pages take for granted, by what they call it.
GRANTED = {
    "runs/my-run": "connprune train --preset digits --run runs/my-run --quiet",
    "connprune retrain --against": "connprune train --preset digits --quiet | connprune prune - --keep 25 --quiet",
}

# A training of the documentation, in seconds; what a block sets itself comes later and wins. A resumed one stays as it
# was, and one in a cut has the images of that.
SHORT = """\
#!/usr/bin/env bash
if [ "${1-}" = train ] && [[ " $* " != *" --resume "* && " $* " != *" --from "* ]]; then
    shift
    set -- train --set data.train_images=100 --set training.epochs=2 "$@"
fi
exec %s "$@"
"""

# A machine that is taken away twice, each time after at least one epoch more.
PREEMPTED = """\
#!/usr/bin/env bash
metrics=runs/sliced/metrics.jsonl
lines() { if [ -e "$metrics" ]; then wc -l < "$metrics"; else echo 0; fi; }
before=$(lines)
%s "$@" &
if [ "$(cat ended 2>/dev/null | wc -l)" -lt 2 ]; then
    while kill -0 $! && [ "$(lines)" -le "$before" ]; do :; done
    kill -TERM $!
fi
code=0
wait $! || code=$?
echo $code >> ended
exit $code
"""


def run(block: Block, folder: Path, path: str) -> None:
    script = folder / f".block-{block.line}.sh"
    script.write_text(block.text)
    environment = {**os.environ, "PATH": path, "CONNPRUNE_CACHE": str(folder / ".cache"), "CUDA_VISIBLE_DEVICES": ""}
    environment.pop("CONNPRUNE_RUNS", None)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", script.name],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, f"{block}: exit code {done.returncode}\n{block.text}\n{done.stdout}\n{done.stderr}"


def images(folder: Path) -> None:
    """A folder of 32×32 images in ten classes: digits, enlarged; twelve of each to learn from and two to test with."""
    dataset = load(DataSettings(source="digits"))
    for part, found, count in (("train", dataset.train, 12), ("test", dataset.test, 2)):
        for digit in range(10):
            (folder / part / str(digit)).mkdir(parents=True)
            for number, image in enumerate(found.images[found.labels == digit][:count]):
                enlarged = Image.fromarray(image[0].numpy()).resize((32, 32))
                enlarged.save(folder / part / str(digit) / f"{number:03}.png")


@pytest.fixture
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A search path on which `connprune` is the installed command, with short trainings."""
    scripts = sysconfig.get_path("scripts")
    folder = tmp_path_factory.mktemp("bin")
    launcher = folder / "connprune"
    launcher.write_text(SHORT % Path(scripts, "connprune"))
    launcher.chmod(0o755)
    return os.pathsep.join([str(folder), scripts, os.environ["PATH"]])


def test_the_commands_of_the_readme_run(command: Command, tmp_path: Path) -> None:
    """What a newcomer meets first, with the fast tests: as a shell would, but in this process, for an epoch each."""
    images(tmp_path / "path" / "to" / "images")
    few = {"train": ("--epochs", "1", "--set", "data.train_images=60"), "retrain": ("--epochs", "1")}
    text = "".join(block.text for block in shell_blocks(ROOT / "README.md") if block.reason is None)
    pipelines = [each for line in text.splitlines() for each in line.partition("#")[0].split("&&")]
    assert len(pipelines) > 5
    for pipeline in pipelines:
        out = ""
        for part in pipeline.split("|"):
            words, _, file = part.partition(">")
            program, name, *arguments = shlex.split(words)
            assert program == "connprune", part
            done = command(name, *arguments, *few.get(name, ()), stdin=out)
            assert done.code == 0, f"{part}: {done.err}"
            out = done.out
            if file:
                Path(file.strip()).write_text(out)


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_shell_blocks_of_a_page_run(page: Path, path: str, tmp_path: Path) -> None:
    to_run = [block for block in shell_blocks(page) if block.reason is None]
    text = "".join(block.text for block in to_run)
    if "jq " in text and not shutil.which("jq"):
        pytest.skip("there is no jq here")
    if "path/to/images" in text:
        images(tmp_path / "path" / "to" / "images")
    for name, content in files(page).items():
        (tmp_path / name).write_text(content)
    for called, script in GRANTED.items():
        if called in text and "connprune train" not in text.partition(called)[0]:
            run(Block(str(page), 0, "sh", script, None), tmp_path, path)
    for block in to_run:
        run(block, tmp_path, path)


@pytest.mark.slow
def test_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    """With whole trainings, up to its cut."""
    scripts = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
    for block in shell_blocks(ROOT / "docs" / "tutorial.md"):
        if block.reason is None:
            run(block, tmp_path, scripts)
        if "prune --max-macs" in block.text:
            break
    (report,) = (tmp_path / "runs").glob("*-cut-*/cut.json")
    cut = json.loads(report.read_text())
    assert 15 <= len(cut["chosen"]) <= 25
    assert cut["after"]["test_accuracy"] > 0.97


@pytest.mark.slow
def test_the_cookbook_goes_on_after_a_preemption(path: str, tmp_path: Path) -> None:
    """Its loop, with a command that is ended by SIGTERM each time that an epoch more is done."""
    (loop,) = (block for block in shell_blocks(ROOT / "docs" / "cookbook.md") if "timeout" in block.text)
    folder, _, others = path.partition(os.pathsep)
    preempted = tmp_path / "bin"
    preempted.mkdir()
    (preempted / "connprune").write_text(PREEMPTED % Path(folder, "connprune"))
    (preempted / "connprune").chmod(0o755)
    run(loop, tmp_path, os.pathsep.join([str(preempted), others]))
    summary = json.loads((tmp_path / "runs" / "sliced" / "summary.json").read_text())
    assert (summary["status"], summary["final"]["epoch"]) == ("finished", 30)
    assert (tmp_path / "ended").read_text().split() == ["143", "143", "0"]


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_shell_block_is_bash(block: Block) -> None:
    done = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_not_run_says_why() -> None:
    for block in BLOCKS:
        assert block.reason in (None, *REASONS), f"{block}: {block.reason}: expected one of {REASONS}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_says_its_language(page: Path) -> None:
    """So that none for a shell goes by another name, and a mark stands above one."""
    found = blocks(page)
    for block in found:
        assert block.language in LANGUAGES, f"{block}: expected one of {LANGUAGES}"
    marked = sum(block.language == "sh" and block.reason is not None for block in found)
    marks = [line for line in page.read_text().splitlines() if line.strip().startswith("<!-- not run:")]
    assert len(marks) in (marked, 0), "a mark stands above no shell block"
