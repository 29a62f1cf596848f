"""The demo of identify: cards rendered from glyphs, and what a camera makes of them."""
