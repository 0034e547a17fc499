"""The report: one page that needs nothing but itself, with the wiring, its gates over training and what cuts leave."""
