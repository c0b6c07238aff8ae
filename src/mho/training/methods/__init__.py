"""Ways to train a tolerant network, one file each, and what they are made of."""
