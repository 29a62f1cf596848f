"""One module for each revision, applied in order."""
