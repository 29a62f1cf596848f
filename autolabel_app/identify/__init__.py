"""The server of identify: an HTTP interface and a live page over an index of references."""
