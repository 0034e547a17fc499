"""What each connection brings, where it goes, and which gates are its own, against the definitions."""

from hypothesis import given

from connprune.architecture import Architecture
from tests.strategies import architectures


@given(architectures(most_passes=3))
def test_all_that_connections_bring_and_all_gates_are_shared_out(architecture: Architecture) -> None:
    reads = [read for target in architecture.connections for read in architecture.reads[target]]
    assert [read.connection for read in reads] == list(architecture.all_connections)
    assert [number for read in reads for number in read.gates] == list(range(sum(architecture.gate_counts)))
    for target, incoming in architecture.reads.items():
        merge, merged = architecture.merge_of(target), architecture.shapes.merged[target].feature_maps
        assert [number for read in incoming for number in read.segment] == list(range(sum(r.maps for r in incoming)))
        for read in incoming:
            selection = architecture.selection(target, read.connection.source)
            given_maps = architecture.shapes.output[read.connection.source].feature_maps
            assert list(read.take) == (list(selection.take) if selection else list(range(given_maps)))
            assert read.takes_all == (list(read.take) == list(range(given_maps)))
            assert len(read.at) == read.maps
            if merge.aggregate == "concat":
                assert list(read.at) == list(read.segment)
            elif merge.aggregate in ("sum", "max", "mean"):
                placed = selection.at if selection and selection.at is not None else range(read.maps)
                assert list(read.at) == list(placed)
        if merge.aggregate != "squeeze":
            assert {number for read in incoming for number in read.at} == set(range(merged))
    for connection, count in zip(architecture.gated_connections, architecture.gate_counts, strict=True):
        shared = architecture.gates is not None and architecture.gates.sharing == "shared"
        assert count == (1 if shared else architecture.read[connection].maps)
