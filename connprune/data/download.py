"""Downloads that go on where an earlier try broke off."""

import urllib.error
import urllib.request
from pathlib import Path

from connprune.data.progress import Progress

_PIECE = 1 << 20
_TIMEOUT_SECONDS = 60


def fetch(url: str, path: Path, progress: Progress) -> None:
    """Downloads a file, continuing a partial one that an earlier try left as `<name>.part`.

    Args:
        url: http or https; a server that cannot continue is asked for the whole file again.
        path: where the complete file goes; its folder exists.
        progress: is handed the pieces of a mebibyte as they come.

    Raises:
        OSError: the connection failed or the disk is full; what has come so far is kept for the next try.
    """
    part = path.with_name(f"{path.name}.part")
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS)  # noqa: S310
    except urllib.error.HTTPError as error:
        if error.code != 416:
            raise
        # Nothing is left to send: the earlier try broke off after the last byte, or the file has become shorter.
        part.replace(path)
        return
    with response, part.open("ab" if response.status == 206 else "wb") as file:
        pieces = iter(lambda: response.read(_PIECE), b"")
        length = int(response.headers.get("Content-Length") or 0)
        for piece in progress(pieces, f"downloading {path.name}", -(-length // _PIECE)):
            file.write(piece)
        if length and file.tell() < length + (have if response.status == 206 else 0):
            raise ConnectionError("the connection broke off")
    part.replace(path)
