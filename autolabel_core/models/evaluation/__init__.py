"""Evaluation of models: held-out views, retrieval metrics, average precision, the gate."""
