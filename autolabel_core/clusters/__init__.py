"""Clusters: group vectors, measure the groups, name them, and keep ids and names between runs.

`engine` groups, `metrics` measures, `assigning` puts new documents to known groups, `identity`
matches a run with the last one, `stability` says whether a group may become a label, `naming` gives
names to people's eyes, `map` a picture.
"""
