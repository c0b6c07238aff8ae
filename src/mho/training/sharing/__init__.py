"""A tiny block, written with care, that every place of a carelessly written network shares."""
