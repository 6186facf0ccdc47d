# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""Doing many things at once, each after what it needs."""

import concurrent.futures
import threading

from sandbox import model
from sandbox import process
from sandbox import progress
from sandbox import state


class Runner:
    """Brings nodes up; one thread waits for each."""

    def __init__(self, site: state.Site, report: progress.Progress) -> None:
        self._site = site
        self._report = report
        self._supervisor = process.Supervisor(site)
        self._broken = threading.Event()

    def _service(self, service: model.Service) -> None:
        since = self._report.elapsed()
        if self._supervisor.outdated(service):
            self._supervisor.stop(service)
            self._report.say(f'{service.id}: has new configuration')
        if self._supervisor.start(service):
            self._report.say(f'{service.id} is ready', since)

    def _task(self, task: model.Task) -> None:
        record = self._site.record(task.cloud, task.name, 'done')
        if record.exists() and record.read_text() == task.stamp:
            return
        since = self._report.elapsed()
        task.run()
        record.write_text(task.stamp)
        self._report.say(f'{task.id} done', since)

    def _one(self, node: model.Node,
             before: list[concurrent.futures.Future]) -> None:
        concurrent.futures.wait(before)
        if self._broken.is_set():
            return
        try:
            if isinstance(node, model.Service):
                self._service(node)
            else:
                self._task(node)
        except BaseException:
            self._broken.set()
            raise

    def run(self, nodes: list[model.Node]) -> None:
        """Bring all up; raise what went wrong first."""
        futures: dict[str, concurrent.futures.Future] = {}
        with concurrent.futures.ThreadPoolExecutor(len(nodes)) as pool:
            for node in ordered(nodes):
                futures[node.id] = pool.submit(
                    self._one, node, [futures[name] for name in node.after])
        for future in futures.values():
            future.result()


def ordered(nodes: list[model.Node]) -> list[model.Node]:
    """The nodes, each behind those that it needs."""
    known = {node.id: node for node in nodes}
    done: dict[str, model.Node] = {}

    def visit(node: model.Node, path: tuple[str, ...]) -> None:
        if node.id in path:
            raise ValueError(f'{" -> ".join(path)} is a circle')
        if node.id not in done:
            for name in node.after:
                visit(known[name], (*path, node.id))
            done[node.id] = node

    for node in nodes:
        visit(node, ())
    return list(done.values())
