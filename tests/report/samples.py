"""Small plans and clouds that the report tests show."""

from __future__ import annotations

from mastic.errors import Place
from mastic.model.desired import ConfigFile, Desired, Endpoint, Explained, PlacedWorkload
from mastic.model.observed import HostFacts, Observed, ObservedHost, ObservedWorkload
from mastic.model.plan import Plan, Step


def step(id: str, cause: str, group: str, **how: object) -> Step:
    """A step from its id, `verb:resource@host`."""
    verb, _, resource = id.partition(":")
    return Step(id, verb, resource, resource.rpartition("@")[2], cause, group=group, **how)  # type: ignore[arg-type]


FIRST = Plan(
    "lab",
    (
        step("pull:mastic/mariadb:3f2a@lab", "not there yet", "mariadb"),
        step("pull:mastic/glance-api:77aa@lab", "not there yet", "glance"),
        step("volume:mariadb@lab", "not there yet", "mariadb"),
        step("write:mariadb@lab", "not there yet", "mariadb"),
        step("start:mariadb@lab", "not there yet", "mariadb"),
        step("write:glance/db_sync@lab", "not there yet", "glance"),
        step("run:glance/db_sync@lab", "not run yet", "glance", reversible=False),
        step("write:glance-api@lab", "not there yet", "glance"),
        step("start:glance-api@lab", "not there yet", "glance"),
    ),
    images=("mariadb", "glance-api"),
)

CHANGE = Plan(
    "lab",
    (
        step("write:glance-api@ctl1", "glance-api.conf changed", "glance"),
        step("restart:glance-api@ctl1", "glance-api.conf changed", "glance", impact="interrupts"),
        step("write:glance-api@ctl2", "glance-api.conf changed", "glance"),
        step("restart:glance-api@ctl2", "glance-api.conf changed", "glance", impact="interrupts"),
        step("stop:mariadb@ctl3", "host left group `database`", "mariadb", impact="minor"),
        step("remove:mariadb@ctl3", "host left group `database`", "mariadb", risk="data-loss", reversible=False),
    ),
)


def workload(name: str, service: str, host: str = "lab") -> PlacedWorkload:
    """A workload as it is wanted."""
    file = ConfigFile(f"{name}.conf", "password = @@secret:pw@@\n", "restart", ("pw",), Place("catalogue/x.j2", 3))
    return PlacedWorkload(
        name, service, host, name.replace("-", "_"), name, {"image": f"mastic/{name}:0123456789abcdef"}, (file,)
    )


DESIRED = Desired(
    cloud="lab",
    release="2026.2",
    hosts=("lab", "far"),
    workloads=(
        workload("glance-api", "glance"),
        workload("keystone", "keystone"),
        workload("mariadb", "mariadb"),
        workload("rabbitmq", "rabbitmq"),
        workload("nova-compute", "nova", "far"),
    ),
    jobs=(),
    volumes=(),
    secrets={},
    secret_versions={},
    images={},
    endpoints=(
        Endpoint("glance", "glance-api", "https://127.0.0.1:9292"),
        Endpoint("nova", "nova-metadata", "https://127.0.0.1:8775", internal_only=True),
    ),
    explained=(
        Explained("glance", "workers", None, 3, (("default", Place("c/service.yml", 9), 1), ("cloud.yml", None, 3))),
    ),
)


def found(name: str, service: str, **how: object) -> ObservedWorkload:
    """A container as it was found."""
    facts: dict[str, object] = {
        "files_digest": None,
        "image": f"mastic/{name}:0123456789abcdef",
        "state": "running",
        "healthy": True,
        "started_at": "2026-11-20T16:00:01.5Z",
        "created_at": "2026-11-20T16:00:00Z",
    }
    return ObservedWorkload(name, service, "lab", name, "id", "digest", **(facts | how))  # type: ignore[arg-type]


OBSERVED = Observed(
    {
        "lab": ObservedHost(
            "lab",
            HostFacts(2, 8 << 30, 50 << 30, ("127.0.0.1",)),
            {
                "glance-api": found("glance-api", "glance"),
                "keystone": found("keystone", "keystone", image="mastic/keystone:ffff000011112222"),
                "mariadb": found("mariadb", "mariadb", state="exited", healthy=None, exit_code=1),
                "cinder-api": found("cinder-api", "cinder", healthy=False),
            },
        )
    },
    unreachable={"far": "no answer in 10 s"},
)
