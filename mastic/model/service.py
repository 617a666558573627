"""Catalogue types: what a service folder's `service.yml` may say (strict; unknown keys are errors)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*([-_][a-z0-9]+)*$", max_length=63)]
"""A name: lower case, digits, single dashes or underscores."""
Template = str
"""Jinja2 text, rendered with StrictUndefined; plain text is a template too."""
Expression = str
"""A Jinja2 expression without braces, true or false: `settings.store == 'file'`."""
Capability = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z_]+$")]


class Strict(BaseModel):
    """Base of all input types."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Setting(Strict):
    """One option of a service: documentation, schema and default in one line."""

    type: Literal["string", "integer", "number", "boolean", "port", "choice", "list", "address", "cidr", "size"]
    help: str
    default: Any = None
    """A value, or a template over `host`, `cloud` and earlier settings; absent means the operator must say it."""
    choices: tuple[str, ...] = ()
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None


class Secret(Strict):
    """A secret that mastic makes once and keeps encrypted; templates only ever see a reference."""

    type: Literal["password", "fernet_key", "hex", "uuid", "certificate", "authority"]
    help: str = ""
    length: int = 40
    """Characters of a password or hex string."""
    names: tuple[Template, ...] = ()
    """Certificate: DNS names and IP addresses it is valid for."""
    account: Name | None = None
    """Of a secret made per consumer: the parameter that names the account it opens. Rotated, the account takes turns
    with a second one, `NAME_2`, so that both are good until the last consumer has moved."""
    fixed: str = ""
    """Why `mastic secrets rotate` leaves it as it is; empty for a secret that can be rotated."""


class Snapshot(Strict):
    """Databases whose schema an image carries (template `schema.Dockerfile.j2`), loaded into an empty database."""

    databases: tuple[Name, ...]
    config: dict[str, str] = {}
    """Absolute path → content while the migrations run; databases are `mysql+pymysql://schema:schema@127.0.0.1/<name>`."""
    commands: tuple[str, ...]
    """The very migrations, in order."""


class Binary(Strict):
    """What is other in an image of kind `binary`: packages of the distribution instead of Python distributions."""

    from_: Name | None = Field(None, alias="from")
    """Another parent."""
    packages: dict[str, tuple[str, ...]] = {}
    """Package family → packages installed beside the image's own."""
    run: tuple[str, ...] | None = None
    """Commands instead of the image's own."""
    environment: dict[str, str] | None = None
    """Environment instead of the image's own."""


class Image(Strict):
    """A container image: parent, packages, Python distributions."""

    from_: Name = Field("base", alias="from")
    user: Name | None = None
    """Unix user the image runs as; uid and gid come from `_shared/users.yml`."""
    groups: tuple[Name, ...] = ()
    """Further groups of the user, e.g. `kolla`."""
    packages: dict[str, tuple[str, ...]] = {}
    """Package family (`debian`, `el`, ...) → packages of the distribution."""
    python: tuple[str, ...] = ()
    """Distributions installed into `/var/lib/kolla/venv`; versions and hashes come from the release's lock."""
    template: str | None = None
    """Dockerfile template under the folder's `image/`; default is `_shared/image/Dockerfile.j2`."""
    copy_: dict[str, str] = Field({}, alias="copy")
    """File under the folder's `image/` → path in the image (mode 0755)."""
    run: tuple[str, ...] = ()
    """Further shell commands as root, one layer, after packages and Python."""
    environment: dict[str, str] = {}
    """Environment of the image and those built on it, e.g. PATH; never a secret."""
    tools: tuple[Name, ...] = ()
    """Programs of the machine that builds, copied into the build context; not counted in the digest."""
    bootstrap: bool = False
    """A root file system made directly from `packages`, without Dockerfile; `from` is `scratch`."""
    max_age_hours: int | None = None
    """Made anew when older and something has to be built from it."""
    options: tuple[str, ...] = ()
    """Namespaces of oslo.config (patterns such as `oslo.*`) whose options its INI files may say, beside those of the
    images it is built on. Read from the built image, so they never change its digest."""
    option_sections: dict[str, str] = {}
    """Section made by configuration (pattern) → declared section whose options it takes."""
    binary: Binary | None = None
    """How the image is made of the distribution's own packages; without it the image has nothing of Python."""
    snapshot: Snapshot | None = None
    """The image carries its databases' schemas, made by running the migrations while it is built."""


class File(Strict):
    """A configuration file of a workload or a job: rendered by mastic, mounted read-only, copied at start."""

    template: str | None = None
    """Template under the folder's `templates/` (or `_shared/templates/`)."""
    content: Template | None = None
    """Short content said in place."""
    optional: bool = False
    """Has neither template nor content: the file is there only when the operator's folder of overrides has it."""
    format: Literal["ini", "yaml", "json", "text"] | None = None
    """How override files are laid over it: `ini` option by option, `yaml` and `json` key by key, `text` as a whole.
    Default is by the suffix: .conf .cnf .ini, .yaml .yml, .json; a file of another suffix cannot be overridden."""
    known_as: tuple[str, ...] = ()
    """Further names of its override files, e.g. Kolla's `galera.cnf`."""
    to: Template
    """Absolute path inside the container."""
    owner: str | None = None
    """`user` or `user:group`; default is the image's user."""
    mode: Annotated[str, StringConstraints(pattern=r"^0[0-7]{3}$")] = "0600"
    if_: Expression | None = Field(None, alias="if")
    on_change: Literal["restart", "reload", "nothing"] = "restart"


class Volume(Strict):
    """A named volume; survives any replacement of the container."""

    name: Name
    to: str
    keep: bool = True
    """True: holds data; removed only with `--allow data-loss`. False: run-time state, removed with the workload."""
    read_only: bool = False
    if_: Expression | None = Field(None, alias="if")


class Mount(Strict):
    """A path of the host inside the container."""

    path: str
    to: str | None = None
    """Defaults to the same path."""
    read_only: bool = False
    propagation: Literal["private", "shared", "slave"] = "private"
    create: bool = False
    """Make the directory on the host when it is missing."""
    if_: Expression | None = Field(None, alias="if")


class Health(Strict):
    """How it is told that a workload serves; exactly one of the ways."""

    http: Template | None = None
    """Path or URL; a path is asked at the workload's `listen` address. Any status below 400 is healthy."""
    tcp: Template | None = None
    """`address:port` that accepts a connection."""
    handshake: Literal["mysql", "amqp"] | None = None
    """Protocol greeting expected at the `tcp` address (a listening socket alone is not readiness)."""
    command: Template | None = None
    """Command inside the container that exits 0."""
    seconds: int = 60
    """How long a start may take before the step fails."""


class Frontend(Strict):
    """The workload is an API reached through the load balancer; its own port is shifted by 10000, or by 20000 while it
    stands beside an older one."""

    port: Template
    check: str = "/"
    """Path the load balancer asks; any status below 400 counts as up."""
    internal_only: bool = False
    path: str = ""
    """Appended to the frontend's URL in the catalogue of endpoints."""
    tunnel_seconds: int | None = None
    """For long-lived connections (consoles): idle time in seconds before the balancer cuts."""


class WorkloadVariant(Strict):
    """What is other in a workload whose service is of kind `binary`."""

    command: Template | None = None
    environment: dict[str, Template] | None = None


class Placement(Strict):
    """Which hosts run a workload."""

    group: Name
    quorum: bool = False
    """Its processes decide by majority: an even number of hosts is refused, as it survives no more
    losses than one less. Implies `one_by_one`."""
    one_by_one: bool = False
    """A change reaches one host after the other, each serves again before the next; else all hosts at once."""


class Workload(Strict):
    """One process in one container on every host of a group."""

    image: Name
    place: Placement
    command: Template
    user: str | None = None
    """Run as another user than the image's; `root` needs `root_reason`."""
    root_reason: str | None = None
    binary: WorkloadVariant | None = None
    """What is other when the service is of kind `binary`."""
    files: tuple[File, ...] = ()
    volumes: tuple[Volume, ...] = ()
    mounts: tuple[Mount, ...] = ()
    capabilities: tuple[Capability, ...] = ()
    devices: tuple[Template, ...] = ()
    """Paths of the host; one that renders to nothing is left out."""
    host_namespaces: tuple[Literal["pid", "ipc", "cgroup"], ...] = ()
    """The network namespace is always the host's."""
    unmask_proc: bool = False
    """`systempaths=unconfined`: a writable /proc/sys, for workloads that set sysctls of interfaces."""
    environment: dict[str, Template] = {}
    frontend: Frontend | None = None
    ports: tuple[Template, ...] = ()
    """`address:port` the process listens on beside its frontend; checked free before a first start."""
    health: Health | None = None
    after: tuple[Name, ...] = ()
    """Workloads or jobs of this service that must be done first."""
    requires: tuple[Name, ...] | None = None
    """Of the service's `requires`, those whose providers must be ready before the workload starts; absent means all.
    An API that asks keystone only when a request comes starts beside it."""
    replace: Literal["beside", "stop-first"] = "stop-first"
    """beside: a new container serves before the old one goes; needs a `frontend`, and a process that keeps no state.
    `listen.port` may then stand in command, files, environment and health only, not in calculations."""
    reload_signal: str | None = None
    """Signal that makes the process read its files again, after they were copied anew."""
    stop_seconds: int = 30
    keep_running: bool = False
    """A deploy never replaces it just because its image changed (virtlogd: guests' consoles hang on it)."""
    if_: Expression | None = Field(None, alias="if")


class Job(Strict):
    """A command that runs to its end in a container made like a workload's."""

    in_: Name = Field(alias="in")
    """Workload whose image, files, volumes, mounts, capabilities and user the job gets."""
    run: Template
    image: Name | None = None
    """Another image than the workload's (built on top of it)."""
    user: str | None = None
    when: Literal["once", "changed", "rotated", "removal", "discard"]
    """once: until it succeeded on this data (volumes); changed: again whenever run, files or image differ; rotated: as
    changed, but not before a secret in its files was rotated for the first time; removal: before the service leaves a
    host; discard: after a service that required `consumer_of` left the cloud, and only with `--allow data-loss`."""
    consumer_of: Name | None = None
    """Of a job `when: discard`: a capability of this service. The job is there once for each service that requires it,
    which its templates see as `consumer`, and must be safe to run again."""
    after_consumers: bool = False
    """Waits for everything of the services that require what this service provides: it may take away what they no
    longer use."""
    on: Literal["first-host", "every-host"] = "first-host"
    files: tuple[File, ...] = ()
    after: tuple[Name, ...] = ()
    """Workloads or jobs of this service that must be done first. A job that follows no workload comes before every
    workload of the service; one that does only before those that name it in their `after`."""
    requires: tuple[Name, ...] | None = None
    """Of the service's `requires`, those whose providers must be ready before the job runs; absent means all of them.
    A schema job that only needs `sql` runs beside other services' start."""
    seconds: int = 300
    check: Template | None = None
    """Command in a container made like the job's that exits 0 as long as the job's effect stands, and else says what is
    wrong; changes nothing. `mastic drift` runs it; where it fails the next apply runs the job again."""
    if_: Expression | None = Field(None, alias="if")


class Bind(Strict):
    """How a load balancer brings a workload's requests from one of its processes to another without losing any."""

    in_: Name = Field(alias="in")
    """Workload of the provider that runs the command, on each of its hosts."""
    run: Template
    """Sees `frontend` and, of its `backends`, `new` and `old`. Ends when requests go to `new`, and `old` has none."""
    seconds: int = 900


class Provide(Strict):
    """A capability that other services may require: accounts, addresses, values."""

    help: str
    parameters: dict[Name, Setting] = {}
    """What a consumer says in its `requires`."""
    secrets: dict[Name, Secret] = {}
    """Made per consumer, named `<consumer service>_<provide>_<key>`; seen by both sides as `<key>`."""
    values: dict[Name, Any] = {}
    """Templates over the provider's context plus `consumer`; what the consumer's templates see as
    `bindings.<capability>.<key>` beside the parameters and secrets."""
    ready: tuple[Name, ...] = ()
    """Workloads and jobs of the provider that must be done before a consumer starts; empty means all."""
    bind: Bind | None = None
    """Of capability `frontend` only; without it no workload is replaced `beside` itself."""


class Check(Strict):
    """A declared check of a deployed service; exactly one of the ways."""

    help: str
    http: Template | None = None
    """URL through the load balancer; status below 400."""
    in_: Name | None = Field(None, alias="in")
    run: str | None = None
    """Command inside workload `in` that exits 0."""


class Upgrade(Strict):
    """How a service goes to the next release (read by the upgrade planner)."""

    steps: tuple[dict[str, str] | str, ...] = ()
    finish: tuple[dict[str, str], ...] = ()
    rollback: dict[str, str] = {}


class Service(Strict):
    """A service folder's `service.yml`."""

    service: Name
    summary: str
    kind: Literal["openstack", "infrastructure", "shared"]
    images: dict[Name, Image] = {}
    settings: dict[Name, Setting] = {}
    secrets: dict[Name, Secret] = {}
    provides: dict[Name, Provide] = {}
    requires: dict[Name, dict[str, Any]] = {}
    """Capability → parameters for its provider. Key `if` is no parameter: an expression over `cloud` and `hosts`; where
    it does not hold nothing is required."""
    workloads: dict[Name, Workload] = {}
    jobs: dict[Name, Job] = {}
    checks: dict[Name, Check] = {}
    upgrade: Upgrade | None = None
