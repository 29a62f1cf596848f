"""Reading documents: queries, search, explanations, quality, proposals of thresholds."""
