"""The demos: labelling, detection, identify."""
