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


"""Users attach and detach while the services of their volumes' cloud die.

Afterwards nothing may be left: no volume that is neither free nor in use, no
attachment without a mapping, no thread, no memory.
"""

import collections
from collections.abc import Callable
import dataclasses
import statistics
import time

from keystoneauth1 import exceptions as ksa_exceptions

from sandbox import client
from sandbox import process
from sandbox import topology
from sandbox import verbs
from tests.soak import audit
from tests.soak import killer
from tests.soak import pools
from tests.soak import samples
from tests.soak import users

#: Seconds that users work undisturbed first: pools of threads and caches
#: fill, which is no leak. At least, and at most; between them it ends when no
#: service has made a thread for QUIET seconds: futurist's pools make one for
#: each call until they are full, which takes longer on a slow machine.
WARM_UP, LONGEST_WARM_UP, QUIET = 45, 240, 15

#: Seconds after which all must be settled. What is outstanding is tried again
#: every 30 s at the latest, looked at twice, and watched for 30 s.
SETTLING = 180

#: How much the median memory of the second half may exceed the first, and
#: the least that counts, in MB. Python gives freed memory back late, and
#: caches of logins and of statements still fill; a leak of 1 kB in each of
#: some thousand operations is less, one of a connection or a session is more.
GROWTH, NOISE = 1.05, 8

#: More threads than before that are no leak: Nova's pools make a thread for
#: each task until they are full. The warm-up fills the greatest (those of
#: mixmatch in an outage, see :mod:`tests.soak.pools`); the others have ten
#: each, for what seldom happens. They are full in the last quarter of a run,
#: so there no more come.
THREADS, LATE_THREADS = 30, 3


@dataclasses.dataclass(frozen=True)
class Plan:
    """Length and strength of a run.

    :param seconds: for which services are killed
    :param users: how many users
    :param seed: what repeats a run; the clouds have their own pace, so it
        repeats what is tried, not what comes of it
    :param pause: seconds between two failures, at least and at most
    :param outage: seconds that one lasts, at least and at most
    :param growth: of the memory that is allowed
    """

    seconds: float
    users: int
    seed: int
    pause: tuple[float, float] = (4, 16)
    outage: tuple[float, float] = (1, 15)
    growth: float = GROWTH


def quick(seed: int) -> Plan:
    """The short form; it ends before the processes are really warm."""
    return Plan(seconds=90, users=4, seed=seed, pause=(2, 6), outage=(1, 8),
                growth=1.25)


class Soak:
    """One run.

    :param sandbox: the clouds
    :param plan: how much
    :param say: takes a line of progress
    """

    def __init__(self, sandbox: client.Sandbox, plan: Plan,
                 say: Callable[[str], None]) -> None:
        self._sandbox = sandbox
        self._plan = plan
        self._began = time.monotonic()
        self._write = say
        self._users = [
            users.User(sandbox.user(topology.HOME, name), 1 + number % 2,
                       f'{plan.seed} {name}')
            for number, name in enumerate(
                topology.RESEARCHERS[:plan.users])]
        self._audit = audit.Audit(sandbox, topology.HOME, topology.PROVIDER)
        self._killer = killer.Killer(sandbox.site, topology.PROVIDER,
                                     f'{plan.seed} killer', plan.pause,
                                     plan.outage)
        self._sampler = samples.Sampler(sandbox.site, topology.HOME)
        self.failures: list[str] = []

    def run(self) -> bool:
        """All of it; whether nothing was left."""
        try:
            return self._run()
        finally:
            for user in self._users:
                user.enough.set()
            self._killer.enough.set()
            self._sampler.enough.set()

    def _run(self) -> bool:
        self._say(f'{len(self._users)} users, {self._plan.seconds:.0f} s, '
                  f'--seed {self._plan.seed}')
        admin = self._sandbox.user(topology.PROVIDER, 'admin')
        quota = admin.api('block-storage').put(
            '/os-quota-class-sets/default', json={'quota_class_set': {
                'volumes': 100, 'gigabytes': 1000}})
        assert quota.status_code == 200, quota.text
        for user in self._users:
            user.prepare()
        self._say('servers and volumes are there; warming up')
        pools.fill(self._sandbox, self._users[0])
        self._say(f'pools are full; threads: {self._sampler.threads_now()}')
        for user in self._users:
            user.start()
        threads = self._warm_up()
        self._say(f'warm; threads: {threads}')
        self._disturb()
        for user in self._users:
            user.enough.set()
        for user in self._users:
            user.join()
        self._settle()
        self._check_threads(threads)
        self._check_memory()
        self._once_more()
        for user in self._users:
            for each in user.unclear:
                self.failures.append(f'{user.name} was told: {each}')
            user.delete_server()
        self._report()
        return not self.failures

    def _warm_up(self) -> dict[str, int]:
        """Wait until the pools of threads are full.

        :returns: the number of threads of each service
        """
        began = time.monotonic()
        self._wait(WARM_UP)
        threads = self._sampler.threads_now()
        while time.monotonic() - began < LONGEST_WARM_UP:
            before = threads
            self._wait(QUIET)
            threads = self._sampler.threads_now()
            if all(threads[name] <= before[name] for name in threads):
                break
        return threads

    def _disturb(self) -> None:
        self._sampler.start()
        self._killer.start()
        self._wait(self._plan.seconds)
        self._killer.enough.set()
        self._killer.join()
        self._sampler.enough.set()
        self._sampler.join()
        if self._killer.failure:
            self.failures.append(str(self._killer.failure))
        supervisor = process.Supervisor(self._sandbox.site)
        for name in killer.VICTIMS:
            supervisor.start(verbs.find(self._sandbox.site,
                                        topology.PROVIDER, name))
        self._say('the last service is back')

    def _settle(self) -> None:
        """Wait until the clouds agree, and threads have ended."""
        volumes = [each for user in self._users for each in user.volumes]
        since = time.monotonic()
        while True:
            try:
                wrong = self._audit.complaints(volumes)
            except ksa_exceptions.ClientException as exc:
                wrong = [str(exc)]
            if not wrong:
                self._say('both clouds agree after '
                          f'{time.monotonic() - since:.0f} s')
                return
            if time.monotonic() - since > SETTLING:
                self.failures += wrong
                return
            time.sleep(2)

    def _check_threads(self, before: dict[str, int]) -> None:
        now = self._sampler.threads_now()
        self._say(f'threads: {now}')
        for name in now:
            more = now[name] - before[name]
            late = self._sampler.late_threads(name)
            if more > THREADS or late > LATE_THREADS:
                self.failures.append(
                    f'{name} has {more} threads more than before, {late:.0f} '
                    'of them made lately; it had '
                    f'{self._sampler.thread_counts(name)}')

    def _check_memory(self) -> None:
        for name in samples.WATCHED:
            first, second = self._sampler.growth(name)
            if second > max(first * self._plan.growth, first + NOISE):
                self.failures.append(
                    f'{name} has grown from {first:.0f} to {second:.0f} MB')

    def _once_more(self) -> None:
        """Each volume can still be attached, detached, and deleted."""
        for user in self._users:
            user.enough.clear()
            for volume_id in user.volumes:
                try:
                    if volume_id in user.attached():
                        assert user.detach(volume_id), 'detach'
                    self._attach(user, volume_id)
                    assert user.detach(volume_id), 'detach'
                    user.wait_until_available(volume_id)
                    user.delete_volume(volume_id)
                except (AssertionError, ksa_exceptions.ClientException
                        ) as exc:
                    self.failures.append(
                        f'volume {volume_id} cannot be used: {exc}')

    @staticmethod
    def _attach(user: users.User, volume_id: str) -> None:
        """Attach, when all of the cloud that died is at work again.

        NOTE: cinder-volume runs long before it takes what others ask of it.
        """
        deadline = time.monotonic() + SETTLING
        user.wait_until_available(volume_id)
        while not user.attach(volume_id):
            assert time.monotonic() < deadline, 'attach'
            user.wait_until_available(volume_id)

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(30, left))
            counts = self._counts()
            self._say(f'{counts["attached"]} attached, '
                      f'{counts["detached"]} detached, '
                      f'{sum(self._killer.counts.values())} failures of '
                      f'{topology.PROVIDER}')

    def _counts(self) -> collections.Counter[str]:
        return sum((user.counts for user in self._users),
                   collections.Counter())

    def _report(self) -> None:
        for title, counts in (('users', self._counts()),
                              (topology.PROVIDER, self._killer.counts)):
            for what, count in sorted(counts.items()):
                self._write(f'{title:8}{what:32}{count:>7}')
        for name in samples.WATCHED:
            first, second = self._sampler.growth(name)
            threads = self._sampler.thread_counts(name)
            self._write(
                f'{name:16} memory {first:7.1f} -> {second:7.1f} MB, threads '
                f'{min(threads)} to {max(threads)}, median '
                f'{statistics.median(threads):.0f}')
        for failure in self.failures:
            self._write(f'FAILURE: {failure}')

    def _say(self, text: str) -> None:
        self._write(f'[{time.monotonic() - self._began:6.0f} s] {text}')
