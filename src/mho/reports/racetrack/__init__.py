"""Racetrack memory: how fast a network fails, which layers do it, what protection costs, what to protect."""
