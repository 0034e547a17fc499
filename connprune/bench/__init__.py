"""How fast connprune is here, beside a literal port of the post and beside what the machine can do."""
