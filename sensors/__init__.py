"""The sensors, one file each; what they request is decided in `autolabel_core`."""
