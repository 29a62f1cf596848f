"""Documents that are degrees: a declaration over them, and giving them labels."""

from autolabel_core.labelling.give_labels import GivenLabel, give_labels

NAME = "angles"


def declaration(**taxonomy):
    """A collection of texts that are degrees; a match needs cos(difference) >= 0.9, about 25.8°."""
    fields = ["side", "room"]
    return {
        "feature_extractor": {
            "feature_extractor_name": "angle_extractor",
            "field_passthrough": fields,
        },
        "taxonomy": {"field_to_enrich": "side", "confidence_threshold": 0.9, **taxonomy},
    }


def label(workspace, labels, collection=NAME, **fields):
    """Label documents by key, as a person would; None withdraws."""
    given = [GivenLabel(key, name, fields) for key, name in labels.items()]
    give_labels(workspace.open(collection), given, "me", "cli")
