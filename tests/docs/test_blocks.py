"""How the blocks of a page are read."""

from pathlib import Path

import pytest

from tests.docs.blocks import blocks

TEXT = """\
<!-- not run: needs a GPU -->

```sh
connprune bench
```

- In a list:

  ```sh
  for run in runs/*; do
      echo "$run"
  done
  ```

```text four-layers.json
network
```
"""


def test_a_mark_belongs_to_the_block_below_it(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(TEXT)
    found = blocks(page)
    assert [(block.line, block.language, block.reason) for block in found] == [
        (3, "sh", "needs a GPU"),
        (9, "sh", None),
        (15, "text", None),
    ]
    assert found[1].text == 'for run in runs/*; do\n    echo "$run"\ndone\n'


def test_a_block_without_an_end_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```sh\nconnprune inspect\n")
    with pytest.raises(AssertionError, match="line 1 has no end"):
        blocks(page)
