"""Detection: what people say of boxes, and what follows from it for training and measuring."""
