"""Boxes that the detector finds on each readable image: a document for each box and each image."""

from autolabel_core.tables.detections import DetectionTable

TABLES = (DetectionTable,)
