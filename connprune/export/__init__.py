"""Networks for other software: as files that run elsewhere, and their wiring as drawings."""
