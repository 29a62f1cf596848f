"""Training: from annotations to weights, and the decision whether they go into service."""
