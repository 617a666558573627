"""Services that keep data with their providers → the jobs that take it away after they left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mastic.model.desired import PlacedJob
from mastic.model.service import Job
from mastic.resolve.bindings import consuming
from mastic.resolve.context import container_name
from mastic.resolve.frontends import placed_on
from mastic.resolve.ground import Ground
from mastic.resolve.placement import Spot, job_subject, placed_job
from mastic.resolve.scope import Scope


def place_discards(ground: Ground) -> tuple[PlacedJob, ...]:
    """Every job `when: discard`, once for each service that has something to lose."""
    found: list[PlacedJob] = []
    for service in ground.services:
        for name, job in ground.folder(service).service.jobs.items():
            if job.when == "discard":
                with ground.collect():
                    found += _for_each_consumer(ground, service, name, job)
    return tuple(found)


def _for_each_consumer(ground: Ground, service: str, name: str, job: Job) -> Iterator[PlacedJob]:
    for host in placed_on(ground, service, job.in_)[:1]:
        for consumer in consuming(ground, service, str(job.consumer_of), host):
            yield _discard(ground, Spot(service, name, host), job, consumer)


def _discard(ground: Ground, spot: Spot, job: Job, consumer: Scope) -> PlacedJob:
    """It belongs to the consumer, and works as long as the provider's workload stands."""
    subject = job_subject(ground, spot, job)
    container = f"{subject.container}_{container_name(consumer['service'])}"
    subject = replace(subject, container=container, context={**subject.context, "consumer": consumer})
    placed = placed_job(subject, spot, job)
    return replace(
        placed, service=consumer["service"], name=f"{spot.service}_{spot.name}", needs=(f"{job.in_}@{spot.host}",)
    )
