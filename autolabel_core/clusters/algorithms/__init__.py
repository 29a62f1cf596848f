"""From vectors to clusters: preprocessing, projection, eight algorithms, metrics, identities."""
