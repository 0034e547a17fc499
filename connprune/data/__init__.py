"""Images: where they come from, how they are split, and how they reach the network as batches on its device."""
