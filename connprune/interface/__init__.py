"""What the commands do, as Python objects for notebooks and scripts: train, prune, retrain."""
