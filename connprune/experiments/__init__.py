"""Many trainings as one experiment: a directory of runs that any number of processes work off, then collected."""
