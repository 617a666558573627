"""Layers of a file and of one option of it, as `mastic explain` shows them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mastic.errors import InputError
from mastic.load.catalogue import load_catalogue
from mastic.load.cloud import load_cloud
from mastic.model.desired import Desired
from mastic.report.explain_text import FoundFile, explained, explained_text, file_text, found_files
from mastic.report.option_text import FoundOption, found_options, option_objects, option_text
from mastic.resolve.context import ground_of
from mastic.resolve.explain import file_layers
from tests.cases.runner import FACTS, lay_out, resolve_at
from tests.golden.compare import assert_golden

CASE = {
    "change": {
        "catalogue/web/service.yml": {"    copy: {start_web": "    options: [web]\n    copy: {start_web"},
        "catalogue/web/templates/web.conf.j2": {
            "title =": "[DEFAULT]\ntitle =",
            "languages =": "[{{ 'words' }}]\nlanguages =",
        },
        "cloud.yml": {"groups: [compute]}": "groups: [compute], settings: {web: {workers: 7}}}"},
    },
    "write": {
        "config/global.conf": "# for all\n[DEFAULT]\ntitle = {{ cloud.name }}\n",
        "config/web.conf": "{% set three = 3 %}\n[words]\n{# a note\nof two lines #}\nlanguages = a\nlanguages = b\n",
        "config/web/web-worker.conf": "[DEFAULT]\ntitle = worker\n",
        "config/web/two/web.conf": "[DEFAULT]\nto-do = {{ secret('web_cookie') }}\n\n[words]\nlanguages = c\n",
    },
}


class Cloud:
    """The case laid out in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        catalogue, cloud = lay_out(CASE, folder)
        self.desired: Desired = resolve_at(catalogue, cloud)
        self.catalogue, self.cloud_file = load_catalogue(catalogue), load_cloud(cloud)

    def file(self, subject: str, host: str) -> FoundFile:
        return next(each for each in found_files(self.desired, subject) if each.workload.host == host)

    def options(self, subject: str, host: str, option: str) -> list[FoundOption]:
        found = self.file(subject, host)
        facts = {name: FACTS for name in self.cloud_file.cloud.hosts}
        images = {name: f"mastic/{name}:0123456789abcdef" for name in self.catalogue.image_owners()}
        ground = ground_of(self.catalogue, self.cloud_file, facts, images)
        return found_options(found, file_layers(ground, found.workload, found.file), option)

    def shown(self, text: str) -> str:
        return text.replace(f"{self.folder}/", "")


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    return Cloud(tmp_path)


@pytest.mark.parametrize(
    "golden,subject,host,option",
    [
        ("explain-option", "web-worker:web.conf", "two", "DEFAULT.title"),
        ("explain-option-multi", "web-worker:web.conf", "two", "words.languages"),
        ("explain-option-macro", "web-api:web.conf", "one", "connection"),
        ("explain-option-secret", "web-worker:web.conf", "two", "DEFAULT.to-do"),
    ],
)
def test_every_layer_of_an_option_is_shown(cloud: Cloud, golden: str, subject: str, host: str, option: str) -> None:
    assert_golden(golden, cloud.shown(option_text(cloud.options(subject, host, option))))


def test_a_file_names_what_is_laid_over_it(cloud: Cloud) -> None:
    assert_golden("explain-file-overridden", cloud.shown(file_text(cloud.file("web-worker:web.conf", "two"))))


def test_a_setting_of_one_host_is_a_layer(cloud: Cloud) -> None:
    assert_golden("explain-setting-host", cloud.shown(explained_text(explained(cloud.desired, "web.workers", "two"))))


def test_the_last_layer_is_what_the_file_says(cloud: Cloud) -> None:
    for found in found_files(cloud.desired, "web-worker:web.conf"):
        for name in ("title", "languages", "connection", "cookie"):
            for option in cloud.options("web-worker:web.conf", found.workload.host, name):
                for value in option.values:
                    assert f"{name} = {value}" in found.file.content.splitlines()


def test_programs_get_the_same(cloud: Cloud) -> None:
    (told,) = option_objects(cloud.options("web-worker:web.conf", "two", "DEFAULT.title"))
    assert [layer["layer"] for layer in told["layers"]] == ["template", "global", "workload"]
    assert told["values"] == ["worker"]


def test_an_option_that_nobody_says_is_told(cloud: Cloud) -> None:
    with pytest.raises(InputError, match=r"did you mean `DEFAULT\.title`"):
        cloud.options("web-worker:web.conf", "two", "DEFAULT.tittle")


def test_a_host_that_is_not_there_is_told(cloud: Cloud) -> None:
    with pytest.raises(InputError, match="did you mean `two`"):
        explained(cloud.desired, "web.workers", "twoo")
