"""Each field of the catalogue says what it is to a person's privacy."""

import json
from typing import get_args

import pytest
from pydantic import BaseModel

from docs.facts import page
from schemas.catalogue import CATALOGUE
from schemas.data import Data
from schemas.fields import Id, Prose
from schemas.marks import MARK, Mark, mark_of, marked, plain


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_field_has_a_mark(name: str) -> None:
    assert all(mark_of(info) in get_args(Mark) for info in CATALOGUE[name].data.model_fields.values())


def test_a_field_without_a_mark_fails_when_it_is_imported() -> None:
    with pytest.raises(TypeError, match=r"Careless\.address has no mark"):

        class Careless(Data):
            fair: Id = plain()
            address: Id


def test_a_model_elsewhere_needs_none() -> None:
    class Elsewhere(BaseModel):
        anything: str

    assert mark_of(Elsewhere.model_fields["anything"]) is None


def test_what_a_person_is_called_and_reached_by_is_personal() -> None:
    assert marked(CATALOGUE["candidate.signed_up"].data, "personal") == ("name", "email", "phone")


def test_what_targets_match_on_is_kept() -> None:
    kept = {"education", "school", "major", "graduation_year", "chain"}
    assert set(marked(CATALOGUE["candidate.signed_up"].data, "kept")) == kept


def test_all_prose_about_a_person_is_personal() -> None:
    for name, row in CATALOGUE.items():
        prose = [f for f, info in row.data.model_fields.items() if _is_prose(row.data.__annotations__.get(f))]
        if "candidate" in row.data.model_fields:
            assert set(prose) <= set(marked(row.data, "personal")), name


def _is_prose(hint: object) -> bool:
    return hint in (Prose, "Prose", "Prose | None")


def test_machines_read_the_marks() -> None:
    schema = CATALOGUE["candidate.signed_up"].data.model_json_schema()
    assert schema["properties"]["email"][MARK] == "personal"
    assert json.dumps(CATALOGUE["hire.started"].data.model_json_schema()["properties"]["started_on"]).count("date") >= 1


def test_the_page_of_facts_shows_them() -> None:
    assert "| `email` | optional | personal |" in page()
    assert "| `education` | optional | kept |" in page()
