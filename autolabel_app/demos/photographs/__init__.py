"""The demo of photographs: one label each, and the rest label themselves."""
