"""Many trainings as one experiment: a directory of runs that any number of processes execute, then collected."""
