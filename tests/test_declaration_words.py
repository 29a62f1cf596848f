"""Every word that declarations may be written in, alone and as two whole tutorials use them."""

from __future__ import annotations

import pytest
import yaml

from autolabel_core.declarations import load_collections
from autolabel_core.declarations.collections_folder import find_retriever, pick
from autolabel_core.foundation.errors import NotFoundError

IMAGE_SPACE = "mixpeek://image_extractor@v1/google_siglip_base_v1"
LABELLED_ONLY = {
    "stage_name": "labeled_filter",
    "stage_type": "filter",
    "config": {
        "stage_id": "attribute_filter",
        "parameters": {
            "conditions": {"AND": [{"field": "product_label", "operator": "exists", "value": True}]}
        },
    },
}
IMAGE_MATCH = {
    "stage_name": "image_match",
    "stage_type": "filter",
    "config": {
        "stage_id": "feature_search",
        "parameters": {
            "searches": [
                {
                    "feature_uri": IMAGE_SPACE,
                    "query": {"input_mode": "content", "value": "{{INPUT.query_image}}"},
                    "top_k": 1,
                    "min_score": 0.30,
                }
            ]
        },
    },
}
PRODUCT_SCHEMA = {"properties": {"product_label": {"type": "text"}, "image_url": {"type": "text"}}}
IMAGES = {
    "feature_extractor_name": "image_extractor",
    "version": "v1",
    "input_mappings": {"image": "image_url"},
    "field_passthrough": ["product_label"],
}
CLASSIFIED = {"field_to_enrich": "product_label", "confidence_threshold": 0.30}


def products(name, retriever=None, taxonomy=None):
    declared = {
        "collection_name": name,
        "source": {
            "type": "bucket",
            "bucket_ids": [f"bkt_{name}"],
            "bucket_schema": PRODUCT_SCHEMA,
        },
        "feature_extractor": IMAGES,
    }
    if retriever:
        stages = [LABELLED_ONLY, IMAGE_MATCH]
        over = {"retriever_name": retriever, "collection_identifiers": [name], "stages": stages}
        declared["retrievers"] = [over]
    return declared | (
        {"taxonomy": {"retriever_id": f"ret_{taxonomy}", **CLASSIFIED}} if taxonomy else {}
    )


UNLABELLED = {
    "retriever_name": "unlabeled-products",
    "collection_identifiers": ["col_products_unified"],
    "input_schema": {},
    "stages": [
        {
            "stage_name": "missing_label",
            "stage_type": "filter",
            "config": {
                "stage_id": "attribute_filter",
                "parameters": {"field": "product_label", "operator": "exists", "value": False},
            },
        }
    ],
}
EMPLOYEES = {
    "collection_name": "employee_faces",
    "source": {"type": "bucket", "bucket_ids": ["bkt_employee_photos"]},
    "feature_extractor": {
        "feature_extractor_name": "face_identity_extractor",
        "version": "v1",
        "input_mappings": {"image": "photo_url"},
        "field_passthrough": ["person_name", "employee_id"],
    },
}
PAPERS = {
    "collection_name": "document_types",
    "source": {"type": "bucket", "bucket_ids": ["bkt_company_documents"]},
    "feature_extractor": {
        "feature_extractor_name": "text_extractor",
        "version": "v1",
        "input_mappings": {"text": "content"},
        "field_passthrough": ["document_type"],
    },
    "taxonomy": {"field_to_enrich": "document_type", "confidence_threshold": 0.35},
}
DETECTED = {
    "name": "detected_objects",
    "feature_extractors": [{"feature_extractor_name": "yolo_detector", "version": "1.0.0"}],
    "source": {
        "type": "bucket",
        "buckets": [
            {
                "name": "security_footage",
                "bucket_schema": {
                    "properties": {
                        "image": {"type": "image", "required": True},
                        "camera_id": {"type": "text"},
                        "timestamp": {"type": "text"},
                    }
                },
            }
        ],
    },
    "retrievers": [
        {
            "name": "detection_review",
            "stages": [
                {
                    "stage_name": "low_confidence",
                    "stage_type": "filter",
                    "config": {
                        "stage_id": "feature_search",
                        "parameters": {
                            "searches": [
                                {
                                    "feature_uri": "mixpeek://yolo_detector@1.0.0/detection_embedding",
                                    "query": "{{INPUT.query}}",
                                }
                            ],
                            "filters": {
                                "AND": [
                                    {
                                        "field": "detections.0.confidence",
                                        "operator": "lt",
                                        "value": 0.7,
                                    }
                                ]
                            },
                        },
                    },
                }
            ],
        }
    ],
    "taxonomy": {
        "taxonomy_name": "object-catalog",
        "taxonomy_type": "flat",
        "retriever_id": "ret_object_catalog_search",
        "collection_id": "col_verified_objects",
        "input_mappings": [{"source": "payload.detection_embedding", "target": "query"}],
        "enrichment_fields": [
            {"source": "payload.true_class", "target": "verified_class"},
            {"source": "payload.category", "target": "object_category"},
        ],
        "threshold": 0.75,
        "execution_mode": "materialize",
    },
}
VERIFIED = {
    "name": "verified_objects",
    "feature_extractor": {
        "name": "yolo_detector",
        "version": "1.0.0",
        "field_passthrough": ["true_class", "category"],
    },
    "retrievers": [
        {
            "name": "object_catalog_search",
            "stages": [
                {
                    "stage_id": "feature_search",
                    "parameters": {"searches": [{"query": "{{INPUT.query}}"}]},
                }
            ],
        }
    ],
}


@pytest.fixture
def declared(tmp_path):
    """The collections of both tutorials, side by side."""
    unified = products(
        "products_unified", "products_unified_classifier", "products_unified_classifier"
    )
    unified["retrievers"].append(UNLABELLED)
    reference = products("product_reference", "product_classifier")
    catalog = products("product_catalog", taxonomy="product_classifier")
    every = (unified, reference, catalog, EMPLOYEES, PAPERS, DETECTED, VERIFIED)
    for number, declaration in enumerate(every):
        (tmp_path / f"c{number}.yaml").write_text(yaml.safe_dump(declaration))
    return load_collections(tmp_path)


def test_the_unified_approach_refers_to_itself(declared):
    unified = declared["products_unified"]
    assert unified.reference_collection == "products_unified"
    assert unified.taxonomy.confidence_threshold == 0.30
    assert unified.label_field == "product_label"
    assert unified.source.buckets[0].bucket_name == "products_unified"
    assert set(unified.source.buckets[0].bucket_schema.properties) == {"product_label", "image_url"}


def test_the_separate_approach_refers_to_the_reference_collection(declared):
    assert declared["product_catalog"].reference_collection == "product_reference"
    assert declared["product_reference"].reference_collection is None


def test_a_retriever_keeps_its_stages_in_one_shape(declared):
    collection, retriever = find_retriever(declared, "ret_product_classifier")
    assert collection.collection_name == "product_reference"
    assert retriever.search.feature_uri == IMAGE_SPACE.replace("mixpeek", "autolabel")
    assert retriever.search.query_template == "{{INPUT.query_image}}"
    assert (retriever.search.top_k, retriever.search.min_score) == (1, 0.30)
    assert len(retriever.conditions) == 1


def test_a_retriever_may_be_a_filter_alone(declared):
    _, retriever = find_retriever(declared, "unlabeled-products")
    assert retriever.search is None
    assert retriever.conditions == [UNLABELLED["stages"][0]["config"]["parameters"]]


def test_further_fields_travel_with_the_label(declared):
    employees = declared["employee_faces"]
    assert (employees.label_field, employees.fields) == ("person_name", ("employee_id",))


def test_a_taxonomy_may_do_without_a_retriever(declared):
    assert declared["document_types"].reference_collection == "document_types"
    assert declared["document_types"].taxonomy.confidence_threshold == 0.35


def test_a_taxonomy_as_a_resource(declared):
    detected = declared["detected_objects"]
    assert detected.reference_collection == "verified_objects"
    assert detected.taxonomy.confidence_threshold == 0.75
    assert (detected.label_field, detected.fields) == ("verified_class", ("object_category",))
    assert [(e.source, e.target) for e in detected.enrichment] == [("category", "object_category")]


def test_a_list_of_one_extractor_is_that_extractor(declared):
    assert declared["detected_objects"].feature_extractor.version == "1.0.0"


def test_a_bucket_schema_keeps_types_and_requirements(declared):
    properties = declared["detected_objects"].source.buckets[0].bucket_schema.properties
    assert (properties["image"].type, properties["image"].required) == ("image", True)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ({}, [None]),
        ({"bucket_ids": ["bkt_a"]}, ["a"]),
        ({"bucket_name": "bkt_a"}, ["bkt_a"]),
        ({"buckets": [{"bucket_id": "a"}, {"name": "b", "key_prefix": "b/"}]}, ["a", "b"]),
        (
            {"key_prefix": "x/", "buckets": [{"name": "a"}, {"name": "b", "key_prefix": ""}]},
            ["a", "b"],
        ),
    ],
)
def test_buckets_in_every_form(tmp_path, source, names):
    (tmp_path / "c.yaml").write_text(yaml.safe_dump({"source": source}))
    buckets = load_collections(tmp_path)["c"].source.buckets
    assert [bucket.bucket_name for bucket in buckets] == names
    assert buckets[0].key_prefix == source.get("key_prefix", "")


def test_pick_and_find_suggest_the_nearest(declared):
    assert pick(declared, "document_types").label_field == "document_type"
    with pytest.raises(NotFoundError, match=r"`document_typ`\. Did you mean `document_types`"):
        pick(declared, "document_typ")
    with pytest.raises(NotFoundError, match=r"`ret_detection`\. Did you mean `detection_review`"):
        find_retriever(declared, "ret_detection")


def test_names_that_begin_with_a_prefix_are_found(tmp_path):
    retriever = {**VERIFIED["retrievers"][0], "name": "ret_x", "collection_ids": ["col_x"]}
    taxonomy = {"field_to_enrich": "kind", "retriever": "ret_x"}
    declaration = {"name": "col_x", "retrievers": [retriever], "taxonomy": taxonomy}
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(declaration))
    found = load_collections(tmp_path)
    assert found["col_x"].reference_collection == "col_x"
    assert find_retriever(found, "ret_x")[0].collection_name == "col_x"
