"""The base that every folder may import: errors, ids, label names, paths, files, threads, media."""
