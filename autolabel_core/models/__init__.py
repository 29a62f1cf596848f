"""Models with weights: extractors, detectors, projection heads, their registry and evaluation."""
