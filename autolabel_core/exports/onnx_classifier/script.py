"""The script that stands beside an exported classifier: it needs three packages, not this one."""

SCRIPT = '''\
"""Labels pictures: `python {name}.py PICTURE ...`; needs onnxruntime, numpy and Pillow."""
import json, pathlib, sys
import numpy as np, onnxruntime
from PIL import Image, ImageOps
session = onnxruntime.InferenceSession(str(pathlib.Path(__file__).with_suffix(".onnx")))
about = json.loads(session.get_modelmeta().custom_metadata_map["autolabel"])
for name in sys.argv[1:]:
    image, side = Image.open(name), about["min_side_px"]
    image.draft(image.mode, (side, side))
    image = ImageOps.exif_transpose(image).convert("RGBA")
    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    inputs, (w, h) = {{}}, image.size
    for key, how in about["inputs"].items():
        x, y = (w, h) if how["share"] is None else [min(w, h) * how["share"]] * 2
        left, top, side = (w - x) / 2, (h - y) / 2, how["side_px"]
        box, bicubic = (left, top, left + x, top + y), Image.Resampling.BICUBIC
        inputs[key] = np.asarray(image.resize((side, side), bicubic, box, reducing_gap=3.0))[None]
    _, label, confidence, matched = session.run(None, inputs)
    given = about["labels"][label[0]] if matched[0] else "-"
    print(name, given, f"{{confidence[0]:.4f}}", sep="\\t")
'''
"""`{name}` is the file's name without its ending."""
