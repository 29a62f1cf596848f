"""The centre of dlib's space of faces, and why it is subtracted.

All vectors of the network point in much the same direction: two persons have a cosine of .80 to
.88, two pictures of one person .95 to 1. From the mean of many faces the directions differ: on
twelve public photographs of seven persons, different ones have -.24 to .31 (median .10), the same
one .77 to 1 (median .84). A threshold near 0.5 lies between.

The numbers are the mean over the 100 faces of `skimage.data.lfw_subset` (100 persons, 25 pixels
wide, enlarged), rounded; it has a cosine of .97 with the mean over the photographs, and is nobody's
face.
"""

from __future__ import annotations

import numpy as np

CENTRE = np.array(
    (
        *(-0.092, 0.080, 0.038, -0.018, -0.091, -0.019, -0.001, -0.144, 0.130, -0.078),
        *(0.169, -0.054, -0.230, -0.085, -0.036, 0.121, -0.141, -0.122, -0.102, -0.082),
        *(0.026, 0.041, 0.050, 0.009, -0.140, -0.295, -0.069, -0.095, 0.041, -0.068),
        *(0.025, 0.080, -0.210, -0.059, 0.009, 0.080, -0.044, -0.043, 0.221, 0.015),
        *(-0.165, 0.041, 0.070, 0.229, 0.204, -0.024, 0.009, -0.062, 0.120, -0.232),
        *(0.028, 0.149, 0.148, 0.070, 0.072, -0.115, 0.015, 0.130, -0.185, 0.075),
        *(0.069, -0.092, -0.037, -0.006, 0.142, 0.079, -0.075, -0.138, 0.171, -0.152),
        *(-0.051, 0.081, -0.088, -0.147, -0.280, 0.036, 0.344, 0.116, -0.174, 0.011),
        *(-0.079, -0.023, 0.019, 0.040, -0.064, -0.054, -0.094, 0.022, 0.179, -0.023),
        *(-0.027, 0.230, 0.028, -0.008, 0.026, 0.037, -0.119, -0.019, -0.114, -0.029),
        *(0.044, -0.106, 0.018, 0.104, -0.177, 0.161, -0.040, -0.030, -0.008, -0.018),
        *(-0.070, 0.014, 0.150, -0.230, 0.206, 0.155, -0.029, 0.119, 0.070, 0.068),
        *(-0.009, 0.004, -0.127, -0.126, 0.029, -0.021, 0.024, 0.044),
    ),
    np.float64,
)
"""(128,) mean of faces of many persons."""
