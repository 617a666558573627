"""The building machine's own mirrors, indexes, proxies and authorities → files that a build gets as secrets."""

from __future__ import annotations

import configparser
import json
import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mastic.errors import HostError, Place, Problem

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
CA_IN_BUILD = "/run/secrets/ca"
"""Where a build step that mounts the secret `ca` finds the bundle."""
CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE")
CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


@dataclass(frozen=True)
class AptSource:
    """One entry of apt's sources."""

    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]


@dataclass(frozen=True)
class HostSources:
    """What a build takes from the machine it runs on; nothing of it reaches a layer or a digest."""

    apt_sources: str
    apt_conf: str
    uv: str
    """Text of a `uv.toml`."""
    ca: Path | None
    proxies: dict[str, str] = field(default_factory=dict, repr=False)

    def write(self, folder: Path) -> dict[str, Path]:
        """Write the files below `folder`; secret name → file."""
        texts = {"apt-sources": self.apt_sources, "apt-conf": self.apt_conf, "uv": self.uv}
        found = {name: folder / name for name in texts}
        for name, text in texts.items():
            found[name].write_text(text)
        return found | ({"ca": self.ca} if self.ca else {})


def host_sources(suite: str | None, root: Path = Path("/"), variables: Mapping[str, str] = os.environ) -> HostSources:
    """Read the machine's apt, pip and trust-store configuration for a build of distribution release `suite`.

    Raises HostError when no Debian mirror is configured.
    """
    ca = authorities(root, variables)
    return HostSources(
        apt_sources=apt_sources(suite, read_apt(root / "etc/apt"), own_suite(root), root) if suite else "",
        apt_conf=apt_conf(ca),
        uv=uv_config(*pip_indexes(root, variables)),
        ca=ca,
        proxies={name: variables[name] for name in PROXY_VARIABLES if variables.get(name)},
    )


def own_suite(root: Path) -> str:
    """Name of the distribution release that runs here, e.g. bookworm."""
    path = root / "etc/os-release"
    text = path.read_text() if path.is_file() else ""
    found = re.search(r"^VERSION_CODENAME=\"?([a-z]+)\"?$", text, re.MULTILINE)
    return found[1] if found else ""


def read_apt(folder: Path) -> list[AptSource]:
    """Entries of both formats, `sources.list` lines and deb822 paragraphs."""
    found = []
    for path in [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]:
        if path.suffix == ".sources":
            found += deb822_entries(path.read_text())
        elif path.suffix == ".list" and path.is_file():
            found += [entry for line in path.read_text().splitlines() if (entry := line_entry(line))]
    return found


def deb822_entries(text: str) -> list[AptSource]:
    uncommented = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    found = []
    for paragraph in re.split(r"\n\s*\n", uncommented):
        fields = {
            key.lower(): value.split() for key, value in re.findall(r"(?m)^([\w-]+):((?:.*(?:\n[ \t].+)*))", paragraph)
        }
        if "deb" in fields.get("types", ()) and fields.get("enabled", ["yes"]) != ["no"]:
            found.append(AptSource(*(tuple(fields.get(name, ())) for name in ("uris", "suites", "components"))))
    return found


def line_entry(line: str) -> AptSource | None:
    words = re.sub(r"\[[^\]]*\]", "", line).split()
    if len(words) < 4 or words[0] != "deb":
        return None
    return AptSource((words[1],), (words[2],), tuple(words[3:]))


def apt_sources(suite: str, entries: Iterable[AptSource], running: str, root: Path = Path("/")) -> str:
    """Entries for `suite` from the mirrors that serve the running release."""
    main = mirrors(entries, running)
    security = mirrors(entries, f"{running}-security")
    if not running or not main:
        raise HostError(
            Problem(
                f"no package mirror for `{running or 'this distribution'}` is configured on this machine",
                Place(str(root / "etc/apt/sources.list.d")),
                "add the mirror's `deb` entry with component `main`; images are built from the same mirror",
            )
        )
    paragraphs = [paragraph(main, f"{suite} {suite}-updates")]
    if security:
        paragraphs.append(paragraph(security, f"{suite}-security"))
    return "\n".join(paragraphs)


def mirrors(entries: Iterable[AptSource], suite: str) -> list[str]:
    found = [uri for entry in entries if suite in entry.suites and "main" in entry.components for uri in entry.uris]
    return list(dict.fromkeys(found))


def paragraph(uris: Iterable[str], suites: str) -> str:
    return f"Types: deb\nURIs: {' '.join(uris)}\nSuites: {suites}\nComponents: main\nSigned-By: {KEYRING}\n"


def apt_conf(ca: Path | None) -> str:
    """The machine's proxies for apt, and its authorities."""
    done = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False)
    proxies = [line for line in done.stdout.splitlines() if re.match(r"Acquire::https?::Proxy(::\S+)? ", line)]
    trust = [f'Acquire::https::CAInfo "{CA_IN_BUILD}";'] if ca else []
    return "\n".join([*proxies, *trust, ""])


def pip_indexes(root: Path, variables: Mapping[str, str]) -> tuple[str | None, list[str]]:
    """Index and further indexes of pip's (or uv's) configuration that a build can reach; no local folders."""
    said: dict[str, str] = {}
    home = Path(variables.get("HOME", "/root"))
    for path in (root / "etc/pip.conf", home / ".pip/pip.conf", home / ".config/pip/pip.conf"):
        parser = configparser.RawConfigParser(strict=False)
        parser.read(path)
        for section in ("global", "install"):
            said |= dict(parser.items(section)) if parser.has_section(section) else {}
    index = variables.get("UV_DEFAULT_INDEX") or variables.get("PIP_INDEX_URL") or said.get("index-url")
    more = variables.get("UV_INDEX") or variables.get("PIP_EXTRA_INDEX_URL") or said.get("extra-index-url", "")
    return (index if index and is_remote(index) else None), [url for url in more.split() if is_remote(url)]


def is_remote(url: str) -> bool:
    return url.startswith(("http://", "https://"))


def uv_config(index: str | None, more: Iterable[str]) -> str:
    parts = [f"[[index]]\nurl = {json.dumps(url)}\n" for url in more]
    if index:
        parts.append(f"[[index]]\nurl = {json.dumps(index)}\ndefault = true\n")
    return "".join(parts)


def authorities(root: Path, variables: Mapping[str, str]) -> Path | None:
    """The machine's bundle of certificate authorities."""
    said = [Path(variables[name]) for name in CA_VARIABLES if variables.get(name)]
    return next((path for path in [*said, root / CA_BUNDLE.lstrip("/")] if path.is_file()), None)
