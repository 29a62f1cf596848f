"""Boxes that people annotated: ground truth, current annotations, splits and figures."""
