"""The page of requirements and tests is as the tests are."""

from tests.security.page import PAGE, missing, page, proofs
from tests.security.table import CHAPTERS, REQUIREMENTS


def test_the_page_is_the_golden_one() -> None:
    """After a change of the markers: ``make golden``."""
    assert PAGE.read_text(encoding="utf-8") == page(proofs())


def test_tests_prove_what_is_required() -> None:
    """No marker names what is in no list, and each requirement is of a chapter."""
    assert proofs().keys() <= REQUIREMENTS.keys()
    assert {name for chapter in CHAPTERS.values() for name in chapter.by} == REQUIREMENTS.keys()


def test_whatever_applies_is_proven() -> None:
    """What has no test has a reason in the table."""
    assert missing(proofs()) == []
