"""Boxes on every readable image: a document for each, and one for each image."""

from autolabel_core.tables.detections import DetectionTable

TABLES = (DetectionTable,)
