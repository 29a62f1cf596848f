"""How good a model is: held-out views, retrieval figures, average precision, the gate."""
