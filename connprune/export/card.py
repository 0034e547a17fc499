"""The model card: what a network is, what it reads and gives, how good it is and how to load it, in Markdown."""

import json
from pathlib import Path

import connprune
from connprune.architecture.shapes import mac_count, parameter_count
from connprune.data.named import SOURCES
from connprune.export.markdown import code, fenced, plain
from connprune.export.subject import INPUT_NAME, OUTPUT_NAME, Subject

_KINDS = {
    "train": "trained together with the gates on its connections",
    "cut": "cut, with the weights of its parent",
    "retrain": "trained from scratch with the connections that a cut left",
    "evolution": "the best that an evolution of wirings found",
}
# How a file of each format is loaded and run.
_SNIPPETS = {
    "onnx": """\
import json

import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession("{file}")
images = np.zeros({batch}, dtype=np.{type})  # yours, any number of them
(scores,) = session.run(["{output}"], {{"{input}": images}})
classes = json.loads(session.get_modelmeta().custom_metadata_map["classes"])
print([classes[number] for number in scores.argmax(axis=1)])
""",
    "pt2": """\
import json

import torch

metadata = {{"classes": ""}}
network = torch.export.load("{file}", extra_files=metadata).module()
images = torch.zeros({batch}, dtype=torch.{type})  # yours, any number of them
with torch.no_grad():
    scores = network(images)
classes = json.loads(metadata["classes"])
print([classes[number] for number in scores.argmax(dim=1)])
""",
    "safetensors": """\
import json

import connprune
import torch
from safetensors import safe_open

network, architecture = connprune.load("{file}")
images = torch.zeros({batch}, dtype=torch.{type})  # yours, any number of them
with torch.no_grad():
    scores = network(images)
with safe_open("{file}", framework="pt") as file:
    classes = json.loads(file.metadata()["classes"])
print([classes[number] for number in scores.argmax(dim=1)])
""",
}
_INSTALL = {"onnx": "onnxruntime", "pt2": "torch", "safetensors": "connprune"}
_NAMES = {"onnx": "an ONNX graph", "pt2": "a graph of `torch.export`", "safetensors": "weights and architecture"}


def card(subject: Subject, format_name: str, path: Path) -> str:
    """The card of an exported file.

    Args:
        subject: the run.
        format_name: `onnx`, `pt2` or `safetensors`.
        path: the file; the card calls it by its name alone.
    """
    architecture, run = subject.architecture, subject.run
    shape = subject.preprocessing.shape
    size = {
        "layers": f"{len(architecture.layers)}",
        "connections": f"{len(architecture.all_connections)}",
        "parameters": f"{parameter_count(architecture):,}",
        "multiply-accumulates per image": f"{mac_count(architecture):,}",
    }
    results = subject.results
    accuracy = {"validation": f"{results.validation_accuracy:.2%}", "test": f"{results.test_accuracy:.2%}"}
    snippet = _SNIPPETS[format_name].format(
        file=json.dumps(path.name)[1:-1],
        batch=(1, *shape),
        type=subject.input_type,
        input=INPUT_NAME,
        output=OUTPUT_NAME,
    )
    return f"""\
# {plain(path.stem)} of {plain(run.path.resolve().name)}

A network for {subject.task.replace("-", " ")}, {_KINDS.get(run.kind, plain(run.kind))}{_rule(subject)}; \
{code(path.name)} is {_NAMES[format_name]}, made by connprune {connprune.__version__}.

## Input and output

- `{INPUT_NAME}`: {subject.input_type}, batch × {" × ".join(map(str, shape))} (batch, feature maps, height, width), \
raw values {_values(subject)}. {_preparation(subject)}The network normalises them itself.
- `{OUTPUT_NAME}`: float32, batch × {architecture.classes}: a score for each class, before any softmax. The classes \
in order:

{fenced(json.dumps(subject.classes, ensure_ascii=False), "json")}

## Size

{_table(size)}

## Accuracy

{_table(accuracy)}

On {_data(subject)}. Validation images were set aside from the training images and not trained on; test images were \
read for the report alone.{" The weights are the parent's, before any retraining." if run.kind == "cut" else ""}

## Load

In the folder of {code(path.name)}, with {_INSTALL[format_name]} installed:

{fenced(snippet, "python")}

## Configuration

{fenced(subject.configuration.to_yaml(architecture), "yaml")}

SHA-256 of the weights in the run: `{subject.weights_digest}`
"""


def _rule(subject: Subject) -> str:
    return f" ({plain(subject.rule)})" if subject.rule else ""


def _values(subject: Subject) -> str:
    return "from 0 to 255" if subject.preprocessing.values else "like those of the arrays that it was trained on"


def _data(subject: Subject) -> str:
    source = subject.configuration.data.source
    if source in SOURCES:
        return f"`{source}`"
    kind = "a file" if Path(source).suffix else "a folder"
    return f"the images of {kind} called {code(Path(source).name)}"


def _preparation(subject: Subject) -> str:
    """What a caller has to do to an image."""
    wanted = subject.preprocessing
    steps = []
    if wanted.channels:
        steps.append(f"Images are {wanted.channels}. ")
    if wanted.resize:
        height, width = wanted.resize
        steps.append(f"They were resized to {height} × {width} (bilinear, Pillow). ")
    if wanted.rows_become_steps:
        steps.append(
            "Each image is a sequence: its rows are the steps, its columns and channels the features "
            "(`images.transpose(0, 1, 3, 2).reshape(len(images), -1, 1, height)` in NumPy). "
        )
    return "".join(steps)


def _table(cells: dict[str, str]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (list(cells), ["---:"] * len(cells), list(cells.values())))
