"""The worst possible chip: what a search within a bound found, beside what chance finds within the same bound."""
