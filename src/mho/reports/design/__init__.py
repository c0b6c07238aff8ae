"""What to buy: the front of a design, its recommended point and certificate, and what each measure is for."""
