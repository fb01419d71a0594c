import pytest

from pipeline.new_dataset.tables import words


@pytest.mark.parametrize(
    ("name", "rank"),
    [
        *[(name, 2) for name in ("label", "Classes", "ClassId", "class_name", "dx", "Labels.1")],
        *[(name, 1) for name in ("articleType", "plant_species", "image_label", "Test Label")],
        *[
            (name, 0)
            for name in ("dx_type", "image_type", "typeface", "sex", "id", "classification")
        ],
    ],
)
def test_classes_are_known_by_whole_words(name, rank):
    assert words.class_rank(name) == rank


@pytest.mark.parametrize(
    ("name", "is_group"),
    [
        *[(name, True) for name in ("patient", "Patient ID", "lesion_id", "StudyInstanceUID")],
        *[(name, False) for name in ("Patient Age", "casein", "product_type", "patient_sex", "id")],
    ],
)
def test_groups_are_known_by_whole_words(name, is_group):
    assert words.is_group(name) is is_group
