"""The texts of a run, whose digests its summary keeps."""

from pathlib import Path

from connprune.errors import DamagedFileError
from connprune.files import read_text, text_digest, write_text
from connprune.runs.summary import Summarised


class WithTexts(Summarised):
    """A directory with texts that are verified when they are read."""

    def write(self, path: Path, text: str) -> None:
        """Writes one of the run's texts, and keeps its digest."""
        # In this order no moment leaves a digest beside a text that it does not belong to.
        self.summarise(digests={name: each for name, each in self._digests.items() if name != path.name})
        write_text(path, text)
        self._keep_digest(path, text)

    def seal(self, path: Path) -> None:
        """Keeps the digest of one of the run's texts as it is now."""
        self._keep_digest(path, read_text(path))

    def text(self, path: Path) -> str:
        """One of the run's texts.

        Raises:
            UsageError: it is not there, or is not what was written.
        """
        text = read_text(path)
        if self._digests.get(path.name) not in (None, text_digest(text)):
            raise DamagedFileError(path, "it does not hold what was written into it")
        return text

    def _keep_digest(self, path: Path, text: str) -> None:
        self.summarise(digests={**self._digests, path.name: text_digest(text)})

    @property
    def _digests(self) -> dict[str, str]:
        return self.summary.digests
