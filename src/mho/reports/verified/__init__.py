"""The cheapest verification: accuracy against the write cycles spent on it, by what decides who is verified first."""
