# docker build --target cuda --tag connprune .                                   with a GPU: docker run --gpus all …
# docker build --target cpu --build-arg TORCH_INDEX=ADDRESS --tag connprune .    0.8 GB instead of 6: without CUDA
# docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD:/work" connprune train --preset digits    as the owner of the folder
#
# ADDRESS is that of PyTorch's CPU-only builds, which its own page of installation names.
ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS base
ENV PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1 CONNPRUNE_CACHE=/cache
COPY pyproject.toml README.md LICENSE constraints.txt /source/
COPY connprune /source/connprune
RUN mkdir --mode=1777 /cache /work
WORKDIR /work

FROM base AS cpu
ARG TORCH_INDEX
RUN pip install ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch torchvision && pip install /source
USER 1000
ENTRYPOINT ["connprune"]

# What working on connprune needs, as `make test` does.
FROM python:${PYTHON} AS dev
RUN apt-get update && apt-get install --yes --no-install-recommends chromium npm && rm -rf /var/lib/apt/lists/*

# PyTorch's own build for Linux brings CUDA along; the host has the driver. The last target is what a plain build makes.
FROM base AS cuda
RUN pip install /source
USER 1000
ENTRYPOINT ["connprune"]
