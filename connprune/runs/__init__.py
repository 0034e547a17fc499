"""The run directory: its layout, how runs are found, and the history of the gates."""
