"""Boxes that people gave: ground truth, current annotations, splits and figures."""
