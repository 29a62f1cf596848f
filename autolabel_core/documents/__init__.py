"""Reading: documents, search, explanations, quality, proposals of thresholds."""
