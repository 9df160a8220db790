"""The tab *Ranking* of page Compare: which network is best on unseen cells, by how much, and how sure that is."""
