"""Writing: labels and boxes that people give, promotion, audit, the review queue."""
