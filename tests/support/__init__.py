"""What test modules share: samples, servers and processes."""
