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


"""Kills, restarts and hangs services of a cloud at random."""

import collections
import random
import signal
import threading

from sandbox import model
from sandbox import process
from sandbox import state
from sandbox import verbs

#: What a landlord's outage may hit; what is named twice is hit more often.
#: Storage, database and queue are left alone: in the sandbox some of these
#: are home's as well.
VICTIMS = ('cinder-api', 'cinder-api', 'cinder-volume', 'apache', 'keystone',
           'shibd', 'cinder-scheduler', 'memcached')

KILL, RESTART, HANG = 'killed', 'restarted', 'hung'


class Killer(threading.Thread):
    """One thing after the other, until told to stop.

    :param site: the sandbox
    :param cloud: whose services die
    :param seed: of what dies, and when
    :param pause: seconds between two of them, at least and at most
    :param outage: seconds that one lasts, at least and at most
    """

    def __init__(self, site: state.Site, cloud: str, seed: str,
                 pause: tuple[float, float],
                 outage: tuple[float, float]) -> None:
        super().__init__(name='killer', daemon=True)
        self._supervisor = process.Supervisor(site)
        self._victims = [verbs.find(site, cloud, name) for name in VICTIMS]
        self._random = random.Random(seed)
        self._pause, self._outage = pause, outage
        self.enough = threading.Event()
        self.counts: collections.Counter[str] = collections.Counter()
        #: the process that could not be brought back
        self.failure: Exception | None = None

    def run(self) -> None:
        turn: list[model.Service] = []
        while not self.enough.wait(self._random.uniform(*self._pause)):
            # Each has its turn, in an order that changes.
            turn = turn or self._random.sample(self._victims,
                                               len(self._victims))
            kind = self._random.choice((KILL, RESTART, HANG))
            seconds = self._random.uniform(*self._outage)
            try:
                self._hit(turn.pop(), kind, seconds)
            except state.Error as exc:
                self.failure = exc
                return

    def _hit(self, victim: model.Service, kind: str, seconds: float) -> None:
        if kind == RESTART:
            self._supervisor.stop(victim)
        else:
            self._supervisor.signal(
                victim, signal.SIGKILL if kind == KILL else signal.SIGSTOP)
            self.enough.wait(seconds)
            if kind == HANG:
                self._supervisor.signal(victim, signal.SIGCONT)
        self._supervisor.start(victim)
        self.counts[f'{victim.name} {kind}'] += 1
