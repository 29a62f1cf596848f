"""Requests to addresses that others wrote: which may be asked, and for how long."""
