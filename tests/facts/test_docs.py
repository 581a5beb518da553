"""Documents that are made from the code say what the code says."""

import importlib.util
from types import ModuleType

import pytest

from tests.facts.tree import ROOT


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs/generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


DOCUMENTS: dict[str, str] = generator().documents()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_generated_document_is_up_to_date(name: str) -> None:
    assert (ROOT / "docs" / name).read_text("utf-8") == DOCUMENTS[name], "write it anew: make docs"
