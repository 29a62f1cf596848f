"""Recording what people decide: labels and boxes, promotion, audit, the review queue."""
