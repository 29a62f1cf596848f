"""Identification as a server: an HTTP interface and a live page over an index of references."""
