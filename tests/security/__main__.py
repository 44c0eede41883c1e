"""Renew ``docs/security.md``."""

from tests.security.page import PAGE, page, proofs

PAGE.write_text(page(proofs()), encoding="utf-8")
