"""What every folder may use: errors, ids, label names, paths, files, threads, media, charts."""
