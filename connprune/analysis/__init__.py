"""What the numbers of runs say: the evolution of gates, and later agreement between runs and statistics."""
