"""Training: the recipe as data, the loop, checkpoints, and the run that ties them to a directory."""
