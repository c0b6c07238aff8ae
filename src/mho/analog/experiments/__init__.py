"""Experiments that say how good an algorithm is on a device: one crosspoint, a 20x20 array, whole networks."""
