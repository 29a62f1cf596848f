"""The doorbells: one file for each door; what they ask for is thought out in `autolabel_core`."""
