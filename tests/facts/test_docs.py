"""Documents that are made from the code say what the code says."""

import pytest

from docs.generate import documents
from tests.facts.tree import ROOT

DOCUMENTS = documents()


@pytest.mark.parametrize("path", DOCUMENTS)
def test_a_generated_document_is_up_to_date(path: str) -> None:
    assert (ROOT / path).read_text("utf-8") == DOCUMENTS[path], "write it anew: make docs"
