"""Gathers reference pictures from web sites, and records where each is from."""
