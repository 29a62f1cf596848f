"""Training: from what people annotated to weights, and whether the weights may go into service."""
