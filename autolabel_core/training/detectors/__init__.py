"""Fine-tuning detectors on reviewed boxes, and judging what comes out."""
