"""Stuck cells: how many each scheme stands, which one to take, what to protect first, where its copies sit."""
