"""What is found of images that lie on a GPU already, as those of an experiment do."""

import json
from collections.abc import Callable
from subprocess import CompletedProcess

NORMALISE = """
import json, torch
from connprune.data.images import Images, normalisation
from connprune.data.settings import Normalise

found = []
settings = Normalise(subtract="channel-mean", divide="channel-std")
for kind in (torch.float32, torch.uint8):
    images = Images((torch.rand(40, 3, 4, 5) * 255).to(kind), torch.zeros(40, dtype=torch.int64))
    here, there = (normalisation(each, settings) for each in (images, images.to(torch.device("cuda"))))
    found.append([(one.device.type, one.shape == other.shape) for one, other in zip(there, here, strict=True)])
    if kind is torch.float32:  # Sums on the device mean nothing here.
        found[-1].append(all(map(torch.equal, here, there)))
print(json.dumps(found))
"""


def test_images_on_a_gpu_are_normalised_as_those_on_a_cpu(
    without_a_device: Callable[..., CompletedProcess[str]],
) -> None:
    done = without_a_device("-c", NORMALISE)
    assert done.returncode == 0, done.stderr
    measured, pixels = json.loads(done.stdout)
    assert measured == [["cpu", True], ["cpu", True], True]
    assert pixels == [["cpu", True], ["cpu", True]]
