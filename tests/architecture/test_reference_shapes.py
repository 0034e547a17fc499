"""The table of the blog post's Figure 2."""

from connprune.architecture import Architecture
from connprune.architecture.shapes import parameter_count


def test_the_blog_network(blog: Architecture) -> None:
    merged = [str(shape) for target, shape in blog.shapes.merged.items() if target != "conv1"]
    assert merged == ["35@32", "67@30", "134@15", "268@15", "332@15", "396@13", "792@6", "1584@6"]
    assert len(blog.gated_connections) == 44
    assert blog.shapes.merged["head"].numel == 57_024
    assert parameter_count(blog) == 29_558_518


def test_the_first_layer_reads_the_input_without_a_gate(blog: Architecture) -> None:
    assert blog.connections["conv1"] == ("input",)
    assert "conv1" not in {connection.target for connection in blog.gated_connections}
