"""Clusters: group vectors, say how good the groups are, name them, and keep their names.

`engine` groups, `metrics` measures, `assigning` puts new documents to known groups, `identity`
matches a run with the last one, `stability` says whether a group may become a label, `naming` gives
names to people's eyes, `map` a picture.
"""
