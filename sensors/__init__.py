"""The Dagster sensors, one file each; `autolabel_core` decides what they request."""
