"""A folder of images in the layout `train/<class>/…` and `test/<class>/…`, decoded once and cached."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import torch

from connprune.data.images import Dataset, Images
from connprune.data.settings import DataSettings
from connprune.data.shape import PARTS, Listing, bombs_refused, decode, list_folder
from connprune.data.track import Track
from connprune.errors import UsageError
from connprune.tensor_files import read_tensors, write_tensors

_NAMED_AT_MOST = 5
# Part of each cache key: goes up when what is cached changes.
_CACHE_VERSION = 2


def load_folder(folder: Path, settings: DataSettings, cache: Path, track: Track) -> Dataset:
    """Loads the folder's images, from the cache if nothing in the folder has changed since they were decoded.

    A damaged cache is made anew.

    Raises:
        UsageError: see `list_folder`; or images are damaged and `skip_damaged` is not set, or they differ in size.
    """
    listing = list_folder(folder, settings.follow_links)
    cached = cache / f"folder-{_digest(folder, listing, settings)}.safetensors"
    found = _from_cache(cached)
    if found is None:
        tensors, damaged = _decode_all(folder, listing, settings, track)
        cache.mkdir(parents=True, exist_ok=True)
        write_tensors(cached, tensors, {"damaged": json.dumps(damaged)})
        found = _parts(tensors), tuple(damaged)
    (train, test), left_out = found
    return Dataset(tuple(listing["train"]), train, test, left_out)


def _from_cache(path: Path) -> tuple[list[Images], tuple[str, ...]] | None:
    try:
        tensors, metadata = read_tensors(path)
        return _parts(tensors), tuple(map(str, json.loads(metadata["damaged"])))
    except (UsageError, KeyError, TypeError, ValueError):
        return None


def _parts(tensors: Mapping[str, torch.Tensor]) -> list[Images]:
    return [Images(tensors[f"{part}.images"], tensors[f"{part}.labels"]) for part in PARTS]


def _digest(folder: Path, listing: Listing, settings: DataSettings) -> str:
    digest = hashlib.sha256(repr((_CACHE_VERSION, settings.size, settings.channels, settings.skip_damaged)).encode())
    for classes in listing.values():
        for path in (path for files in classes.values() for path in files):
            state = path.stat() if path.exists() else path.lstat()
            digest.update(os.fsencode(path.relative_to(folder)) + f"\0{state.st_size}\0{state.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:32]


def _decode_all(
    folder: Path, listing: Listing, settings: DataSettings, track: Track
) -> tuple[dict[str, torch.Tensor], list[str]]:
    """The images and labels of both parts, and the damaged files, each with the reason."""
    damaged: list[str] = []
    tensors = {}
    first: tuple[Path, tuple[int, ...]] | None = None
    for part, classes in listing.items():
        paths = [(path, number) for number, files in enumerate(classes.values()) for path in files]
        images: list[np.ndarray] = []
        labels = []
        with bombs_refused(), ThreadPoolExecutor() as pool:
            decoded = pool.map(partial(decode, settings=settings), [path for path, _ in paths])
            for (path, number), pixels in zip(
                paths, track(decoded, f"decoding {len(paths)} images of {part}", len(paths)), strict=True
            ):
                if isinstance(pixels, str):
                    damaged.append(f"{path.relative_to(folder)} ({pixels})")
                    continue
                if first is None:
                    first = (path, pixels.shape)
                    _require_memory(len(paths), pixels)
                if pixels.shape != first[1]:
                    pool.shutdown(cancel_futures=True)
                    raise UsageError(_sizes_differ(folder, first, (path, pixels.shape)))
                images.append(pixels)
                labels.append(number)
        if not images:
            raise UsageError(f"data.source: none of the images in {folder / part} can be read.")
        tensors[f"{part}.images"] = torch.from_numpy(np.stack(images))
        tensors[f"{part}.labels"] = torch.tensor(labels)
    if damaged and not settings.skip_damaged:
        raise UsageError(_damaged(folder, damaged))
    return tensors, damaged


def _require_memory(count: int, one: np.ndarray) -> None:
    """Refuses images that could not lie side by side in this machine's memory, where it says how much it has."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return
    if count * one.nbytes > memory > 0:
        raise UsageError(
            f"data.source: {count:,} images of {one.shape[1]}×{one.shape[2]} (height × width) take "
            f"{count * one.nbytes / 1e9:,.0f} GB decoded, but this machine has {memory / 1e9:,.0f} GB; "
            "make them smaller with --set data.size='[224, 224]', for instance."
        )


def _sizes_differ(folder: Path, one: tuple[Path, tuple[int, ...]], other: tuple[Path, tuple[int, ...]]) -> str:
    (path, (_, height, width)), (other_path, (_, other_height, other_width)) = one, other
    return (
        f"data.source: {path.relative_to(folder)} is {height}×{width} (height × width), but "
        f"{other_path.relative_to(folder)} is {other_height}×{other_width}; "
        f"give all one size with --set data.size='[{height}, {width}]'."
    )


def _damaged(folder: Path, damaged: Sequence[str]) -> str:
    more = f" and {len(damaged) - _NAMED_AT_MOST} more" if len(damaged) > _NAMED_AT_MOST else ""
    return (
        f"data.source: {len(damaged)} images in {folder} cannot be read: {'; '.join(damaged[:_NAMED_AT_MOST])}{more}. "
        "Mend them, or leave them out with --set data.skip_damaged=true."
    )
