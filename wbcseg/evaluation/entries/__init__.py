"""What the comparison of networks is made of: its entries, their pixels and curves, ranks and trade-offs."""
