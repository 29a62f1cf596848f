"""The Dagster assets, one thin file each; what they compute is defined in `autolabel_core`."""
