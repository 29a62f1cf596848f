"""Fine-tunes detectors on reviewed boxes, and evaluates the new versions."""
