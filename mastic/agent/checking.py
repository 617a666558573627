"""Jobs that say how to tell whether their effect stands → what is wrong, told and noted in their stamps."""

from __future__ import annotations

from typing import Any

from mastic.agent.engine import EngineError
from mastic.agent.files import remove_files, write_files
from mastic.agent.health import last_line
from mastic.agent.records import JOBS
from mastic.agent.verbs import StepFailed, Work

LAST_LINES = 200


def check_jobs(work: Work) -> dict[str, str]:
    """Job → what is wrong, empty when its effect stands; jobs that never succeeded here are not asked."""
    stamps = work.site.records.read(JOBS)
    asked = {id: job for id, job in work.program["jobs"].items() if id.rpartition("@")[0] in stamps}
    found = {id: check(work, job) for id, job in asked.items()}
    with work.site.records.change(JOBS) as jobs:
        for id, wrong in found.items():
            jobs[id.rpartition("@")[0]]["undone"] = wrong
    return found


def check(work: Work, job: dict[str, Any]) -> str:
    """What a check said last when it failed; nothing of it stays on the host."""
    name = job["container"]
    folder = work.folder(job)
    try:
        work.engine.remove(name)
        write_files(folder, job["files"], work.program["secrets"], work.site.records)
        work.create(job, {"mastic.job": job["name"], "mastic.spec": job["digest"]})
        work.engine.start(name)
        code = work.engine.wait(name, job["seconds"])
        if code == 0:
            return ""
        said = last_line("\n".join(work.engine.logs(name, LAST_LINES)))
        return said or (f"its check exited with {code}" if code is not None else "its check did not end")
    except (StepFailed, EngineError) as error:
        return f"cannot be checked: {error}"
    finally:
        work.engine.remove(name)
        remove_files(folder, work.site.records)
