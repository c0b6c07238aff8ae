"""Training on the array: what an algorithm does, how exactly, what is left of networks, what it costs and wears out."""
