"""The files of the project that no command reads: they parse, agree with pyproject.toml, and name what is there."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

from connprune import __version__
from tests.conftest import TINY

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
REQUIRED = [
    *PROJECT["project"]["dependencies"],
    *(each for extra in PROJECT["project"]["optional-dependencies"].values() for each in extra),
]


def name_of(requirement: str) -> str:
    return re.split(r"[\[<>=~ ]", requirement)[0].lower()


@pytest.mark.parametrize("path", [*(ROOT / ".github").rglob("*.yml"), ROOT / ".pre-commit-config.yaml"], ids=str)
def test_what_other_programs_read_is_yaml(path: Path) -> None:
    assert yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_extra_for_older_pips_is_the_group_of_the_same_name() -> None:
    assert sorted(PROJECT["project"]["optional-dependencies"]["dev"]) == sorted(group("dev"))


def group(name: str) -> list[str]:
    """What a dependency group and those that it includes require (PEP 735)."""
    entries = PROJECT["dependency-groups"][name]
    return [
        requirement
        for entry in entries
        for requirement in ([entry] if isinstance(entry, str) else group(entry["include-group"]))
    ]


def test_the_citation_names_this_version_and_licence() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (citation["version"], citation["license"]) == (__version__, PROJECT["project"]["license"])


def test_a_report_of_a_bug_has_what_env_prints() -> None:
    form = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / "bug.yml").read_text(encoding="utf-8"))
    (field,) = [each for each in form["body"] if "connprune env" in each["attributes"]["label"]]
    assert field["validations"]["required"]


def test_the_constraints_have_a_version_for_each_dependency_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert {name.lower() for name in pinned} == {name_of(each) for each in REQUIRED} - {"connprune"}


def test_what_the_dockerfile_copies_is_there_and_not_ignored() -> None:
    taken = set((ROOT / ".dockerignore").read_text(encoding="utf-8").split())
    copied = re.findall(r"^COPY (.+) \S+$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    for name in [name for line in copied for name in line.split()]:
        assert (ROOT / name).exists()
        assert f"!{name}" in taken


def test_a_wheel_works_where_there_is_no_source(tmp_path: Path) -> None:
    """Built, unpacked into an environment that has the dependencies alone, then used."""
    source = tmp_path / "source"
    source.mkdir()
    shutil.copytree(ROOT / "connprune", source / "connprune", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)], source)
    (wheel,) = tmp_path.glob("*.whl")
    run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "environment")], tmp_path)
    (packages,) = (tmp_path / "environment").glob("lib/python*/site-packages")
    for path in map(Path, sys.path):
        # Links, not a path: what the development environment has of connprune must not be found.
        for entry in path.iterdir() if path.name == "site-packages" else ():
            if "connprune" not in entry.name and entry.suffix != ".pth":
                (packages / entry.name).symlink_to(entry)
    with zipfile.ZipFile(wheel) as unpacked:
        assert {name for name in unpacked.namelist() if name.startswith("connprune/")} == {
            str(path.relative_to(source)) for path in (source / "connprune").rglob("*") if path.is_file()
        }
        unpacked.extractall(packages)
    python = str(tmp_path / "environment" / "bin" / "python")
    where = run([python, "-P", "-c", "import connprune; print(connprune.__file__)"], tmp_path)
    assert Path(where.strip()).is_relative_to(packages)
    command = [python, "-P", "-m", "connprune"]
    (tmp_path / "mine.yaml").write_text(run([*command, "presets", "digits"], tmp_path))
    assert "valid" in run([*command, "check", "mine.yaml"], tmp_path)
    trained = run([*command, "train", *TINY, "--epochs", "1", "--quiet"], tmp_path).strip()
    assert (tmp_path / trained / "final.safetensors").is_file()


def run(command: list[str], folder: Path) -> str:
    # Or what that names would be found in place of what is under test.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
