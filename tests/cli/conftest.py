import shutil
from pathlib import Path

import pytest

from tests.conftest import TINY, Command

QUICK = ("--set", "layers.0.feature_maps=4", "--set", "layers.4.feature_maps=4", "--set", "data.train_images=96")


@pytest.fixture(scope="session")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the runs are that tests start from, once one of them has made them."""
    return tmp_path_factory.mktemp("trained-once")


@pytest.fixture
def cut(command: Command, tmp_path: Path, trained_once: Path) -> str:
    """A cut of 20 connections, `cut`, beside its `parent`."""
    if not (trained_once / "cut").exists():
        assert command("train", *TINY, *QUICK, "--run", "parent", "-q").code == 0
        assert command("prune", "parent", "--keep", "20", "--out", "cut", "-q").code == 0
        for name in ("parent", "cut"):
            shutil.copytree(tmp_path / name, trained_once / name)
    for name in ("parent", "cut"):
        shutil.copytree(trained_once / name, tmp_path / name, dirs_exist_ok=True)
    return "cut"
