"""Prices of identified things: the price file, and the sites that it is made from."""
