"""Guards for requests to untrusted addresses: which are allowed, and for how long."""
