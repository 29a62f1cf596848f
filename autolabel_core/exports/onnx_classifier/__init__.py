"""Writes a collection's encoder and rule as one ONNX file that needs nothing of this project."""

from autolabel_core.exports.onnx_classifier.export_classifier import (
    ClassifierExport,
    export_classifier,
)

__all__ = ["ClassifierExport", "export_classifier"]
