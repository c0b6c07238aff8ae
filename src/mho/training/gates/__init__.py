"""Gates that learn which columns and rows of linear layers a network can do without, and what is left of it then."""
