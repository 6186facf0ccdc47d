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

"""Knowledge of the service providers where a project has nothing.

A list need not ask these. That is a negative, so it is believed only as long
as nobody can have made anything there:

* All processes of home share it (:mod:`mixmatch.shared_facts`). What one of
  them makes for a project gives the project a new *stamp*, and what was known
  with another stamp counts no more. The stamp is read before a service
  provider is asked, so an answer that is older than the creation never counts.
* Without a shared cache nothing is known, and each list asks all.
* A service provider where the project had something lately is asked each
  time, whatever it answers: an empty list may be a mistake.

While a service provider does not answer, older knowledge still tells whether
anything of the project can be missing.
"""

from collections.abc import Callable, Iterable
import dataclasses
import secrets
import threading
import time
from typing import Any

import cachetools

from mixmatch import exceptions
from mixmatch import shared_facts

#: Seconds. Where a project had something so lately it is always asked.
LATELY = 3600
#: Seconds. Knowledge that is older says nothing even in an outage.
OUTDATED = 7 * 86400

#: Errors of a user without access, who sees nothing there.
NO_ACCESS = (exceptions.Refused, exceptions.UnknownServiceProvider)


@dataclasses.dataclass(frozen=True)
class Owner:
    """Owner of the resources in a list.

    :param kind: collection of the resources, such as volumes
    :param project_id: the project at home
    :param user_id: the user at home
    """

    kind: str
    project_id: str
    user_id: str = ''


class Holdings:
    """Memory of service providers where projects have no resources.

    :param facts: shared by all processes
    :param refresh: seconds that an empty answer counts; 0 for none
    """

    def __init__(self, facts: shared_facts.SharedFacts,
                 refresh: float) -> None:
        self.facts = facts
        self.refresh = refresh
        self._lock = threading.Lock()
        self._checking: cachetools.TTLCache = cachetools.TTLCache(
            100_000, refresh / 2 or 1)
        self._noted: cachetools.TTLCache = cachetools.TTLCache(
            100_000, LATELY / 4)

    def look(self, owner: Owner) -> 'Known':
        """Return the current knowledge, before service providers are asked."""
        found = self.facts.get(*map(self.key(owner), (
            'stamp', 'nothing', 'lately', 'refused'))) or [None] * 4
        stamp, *rest = found
        if not isinstance(stamp, str):
            stamp = self._stamp(owner)
        nothing, lately, refused = map(_times, rest)
        return Known(self, owner, stamp, nothing.get(stamp, {}),
                     lately.get('', {}), refused.get('', {}))

    def add(self, owner: Owner, name: str) -> None:
        """Note that something was, or may have been, made for a project."""
        self._stamp(owner)
        self.note(owner, name, again=True)
        self.change(owner, 'refused', '', {name: False})

    def note(self, owner: Owner, name: str, again: bool = False) -> None:
        """Note that a project has something at a service provider.

        :param again: also if this process has just noted it
        """
        with self._lock:
            if (owner.kind, owner.project_id, name) in self._noted and (
                    not again):
                return
            self._noted[owner.kind, owner.project_id, name] = True
        self.change(owner, 'lately', '', {name: True})

    def change(self, owner: Owner, what: str, stamp: str,
               changes: dict[str, bool]) -> None:
        """Change one kind of facts.

        Of two processes that do so at once one may lose its change, which
        costs a request more.

        :param stamp: what is known with another one is dropped
        :param changes: by service provider: whether it is so now
        """
        key = self.key(owner)(what)
        found = self.facts.get(key)
        if found is None:
            return
        times = _times(found[0]).get(stamp, {})
        for name, is_so in changes.items():
            times.pop(name, None)
            if is_so:
                times[name] = time.time()
        self.facts.set(key, {stamp: times})

    def must_check(self, owner: Owner, name: str) -> bool:
        """Return True once in each half of the time that an answer counts."""
        key = owner.kind, owner.project_id, name
        with self._lock:
            if key in self._checking:
                return False
            self._checking[key] = True
            return True

    def _stamp(self, owner: Owner) -> str:
        stamp = secrets.token_hex(8)
        self.facts.set(self.key(owner)('stamp'), stamp)
        return stamp

    @staticmethod
    def key(owner: Owner) -> Callable[[str], shared_facts.Key]:
        """Return a function that makes the keys of an owner's facts."""
        def key(what: str) -> shared_facts.Key:
            if what == 'refused':
                return what, owner.project_id, owner.user_id
            return what, owner.kind, owner.project_id
        return key


class Known:
    """Knowledge of one list, from before its service providers are asked.

    :param stamp: of the project
    :param nothing: when service providers answered that it has nothing there
    :param lately: when it had something there
    :param refused: when the user was not let in
    """

    def __init__(self, holdings: Holdings, owner: Owner, stamp: str,
                 nothing: dict[str, float], lately: dict[str, float],
                 refused: dict[str, float]) -> None:
        self._holdings = holdings
        self._owner = owner
        self._stamp = stamp
        self._nothing = nothing
        self._lately = lately
        self._refused = refused

    def sort(self, names: Iterable[str]) -> tuple[list[str], list[str]]:
        """Split service providers: call now, or check in the background.

        :returns: two lists; a service provider in neither was called just
            now, and the project had nothing there
        """
        ask, check = [], []
        refresh = self._holdings.refresh
        for name in names:
            if not _is_within(self._nothing, name, refresh):
                ask.append(name)
            elif not _is_within(self._nothing, name, refresh / 2) and (
                    self._holdings.must_check(self._owner, name)):
                check.append(name)
        return ask, check

    def had_nothing(self, name: str) -> bool:
        """Return True if nothing can be missing of a silent cloud."""
        return (_is_within(self._nothing, name, OUTDATED)
                or _is_within(self._refused, name, OUTDATED))

    def learn(self, proven: dict[str, bool | None],
              errors: dict[str, exceptions.MixmatchException]) -> None:
        """Learn from the answers of service providers.

        :param proven: whether the project has something there; None if the
            answer does not tell
        :param errors: of those that gave no answer
        """
        empty = {}
        for name, has in proven.items():
            if has:
                self._holdings.note(self._owner, name)
            if has and name in self._nothing:
                empty[name] = False
            elif has is False and self._holdings.refresh and not _is_within(
                    self._lately, name, LATELY):
                empty[name] = True
        self._change('nothing', self._stamp, empty)
        refused = dict.fromkeys(set(proven) & set(self._refused), False)
        refused |= {
            name: True for name, exc in errors.items()
            if isinstance(exc, NO_ACCESS)
            and not _is_within(self._refused, name, OUTDATED / 2)}
        self._change('refused', '', refused)

    def _change(self, what: str, stamp: str, changes: dict[str, bool]
                ) -> None:
        if changes:
            self._holdings.change(self._owner, what, stamp, changes)


def _times(fact: Any) -> dict[str, dict[str, float]]:
    """Return times by stamp and service provider; empty if it is no such fact.
    """
    if not isinstance(fact, dict):
        return {}
    return {stamp: {name: at for name, at in times.items()
                    if isinstance(at, (int, float))}
            for stamp, times in fact.items() if isinstance(times, dict)}


def _is_within(times: dict[str, float], name: str, seconds: float) -> bool:
    return name in times and time.time() - times[name] < seconds
