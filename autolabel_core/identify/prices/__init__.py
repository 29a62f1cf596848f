"""What identified things cost: a file of prices, and the sites that tell them."""
