"""Pages whose commands work as they stand; those that change a cloud are typed in the end-to-end scenarios."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.reader import REPOSITORY, copy_of_repository, not_shown, type_in
from tests.docs.shell_blocks import shell_blocks

PAGES = ("docs/how-to/add-a-service.md",)


@pytest.mark.engine
@pytest.mark.parametrize("page", PAGES)
def test_commands_of_the_page_work(page: str, tmp_path: Path) -> None:
    blocks = [block for block in shell_blocks((REPOSITORY / page).read_text(encoding="utf-8")) if not block.needs_cloud]
    assert blocks
    state = {"MASTIC_STATE": str(tmp_path / "state"), "MASTIC_VAULT_PASSWORD_FILE": str(tmp_path / "vault-password")}
    shown = type_in(blocks, copy_of_repository(tmp_path / "repository"), state)
    assert not_shown(blocks, shown) == []
