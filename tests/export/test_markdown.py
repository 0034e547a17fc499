"""Text from elsewhere is text in a model card, whatever it holds; a parser of CommonMark is the judge."""

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from connprune.export.markdown import code, fenced, plain
from connprune.printable import printable

PARSER = MarkdownIt("commonmark")
TEXT = st.one_of(
    st.text(),
    st.lists(
        st.sampled_from(
            ["`", "```", "~~~", "*", "_", "[x](y)", "<b>", "&lt;", "<!--", "\n", "\\", "#", "|", "!", " ", "a", "www."]
        )
    ).map("".join),
)


def inline(text: str) -> list[tuple[str, str]]:
    (opening, body, closing) = PARSER.parse(f"x {text} y")
    assert (opening.type, closing.type) == ("paragraph_open", "paragraph_close")
    return [(token.type, token.content) for token in body.children or []]


@given(TEXT)
def test_plain_text(text: str) -> None:
    tokens = inline(plain(text))
    assert {kind for kind, _ in tokens} <= {"text", "text_special"}
    assert "".join(content for _, content in tokens) == f"x {printable(text)} y"


@given(TEXT.filter(str.strip))
def test_code_in_a_line(text: str) -> None:
    first, found, last = inline(code(text))
    assert (first, last) == (("text", "x "), ("text", " y"))
    assert found == ("code_inline", printable(text))


@given(TEXT)
def test_a_block_of_code(text: str) -> None:
    blocks = PARSER.parse(f"before\n\n{fenced(text, 'yaml')}\n\nafter")
    assert [block.type for block in blocks].count("fence") == 1
    assert [block.content for block in blocks if block.type == "inline"] == ["before", "after"]


def test_what_github_would_link() -> None:
    """Its own rule (https://github.github.com/gfm/#autolinks-extension-), which CommonMark does not have."""
    assert plain("see www.example.org") == r"see www\.example.org"
    assert plain("WWW.example.org") == r"WWW\.example.org"
    assert plain("images.v2") == "images.v2"
