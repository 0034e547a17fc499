"""Trainings that share a GPU and a process: each has a stream and random numbers of its own."""

import json
from collections.abc import Callable
from subprocess import CompletedProcess

Run = Callable[..., CompletedProcess[str]]

TRAININGS, EPOCHS = 3, 3
# In turns and then alone, what each training launched where, and the random numbers that it ended with.
WATCH = """
import json, sys, torch
import tests.cuda.unjudged
from connprune.experiments.launch import places_of_jobs
from connprune.experiments.side_by_side import side_by_side
from connprune.training.device import choose_device
from connprune.training.turns import finished, random_numbers
from tests.cuda.steps import RUNTIME, trainer_of

device = choose_device("cuda:1", sys.exit)

def training(number, epochs):
    warnings = []
    trainer = trainer_of("digits", f"training.seed={number}", device=device, warn=warnings)
    begins, launches, graphs = [RUNTIME.launches()], set(), []
    def note():
        launches.update(map(RUNTIME.stream_of_launch, range(begins[0], RUNTIME.launches())))
        graphs.extend(map(RUNTIME.stream_of_graph, range(begins[1], RUNTIME.graph_launches())))
    for _ in range(epochs):
        epoch = trainer.epoch_in_turns(lambda: False, note)
        while True:
            begins[:] = RUNTIME.launches(), RUNTIME.graph_launches()
            try:
                next(epoch)
            except StopIteration:
                break
            yield
    random = random_numbers(device).get_state().tolist()
    return {"launches": sorted(launches), "graphs": graphs, "random": random, "warnings": warnings}

trainings, epochs = json.load(sys.stdin)
turns = dict(side_by_side(((number, training(number, epochs)) for number in range(trainings)), trainings, device))
alone = [finished(training(number, epochs)) for number in range(trainings)]
places = [[(place.device, place.at_once) for place in places_of_jobs(*jobs)] for jobs in (("auto", 5), ("cuda:1", 2))]
print(json.dumps([[turns[number] for number in range(trainings)], alone, places]))
"""


def test_each_has_a_stream_and_random_numbers_of_its_own(without_a_device: Run) -> None:
    done = without_a_device("-c", WATCH, stdin=json.dumps([TRAININGS, EPOCHS]), devices=2)
    assert done.returncode == 0, done.stderr
    turns, alone, places = json.loads(done.stdout)
    streams = [set(one["graphs"]) for one in turns]
    # Recorded and replayed, each on one stream, which no other training has.
    assert [len(each) for each in streams] == [1] * TRAININGS
    assert len(set().union(*streams)) == TRAININGS
    launched = [set(one["launches"]) for one in turns]
    # Nothing is on the stream that all share, nor on another training's.
    assert 0 not in set().union(*launched)
    assert sum(map(len, launched)) == len(set().union(*launched))
    assert [one["warnings"] for one in turns] == [[]] * TRAININGS
    # In place of values, which mean nothing here: how far each has drawn, replayed steps included.
    assert [one["random"] for one in turns] == [one["random"] for one in alone]
    assert len({tuple(one["random"]) for one in turns}) == TRAININGS
    assert len(alone[0]["graphs"]) == len(turns[0]["graphs"]) > EPOCHS
    assert places == [[["cuda:0", 3], ["cuda:1", 2]], [["cuda:1", 2]]]
