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

"""Concurrent calls to several service providers."""

from collections.abc import Callable, Iterable
from concurrent import futures
import dataclasses
import math
import threading
import time
from typing import Any

import cachetools
from oslo_config import cfg
from oslo_context import context as oslo_context
from oslo_log import log as logging

from mixmatch import deadline
from mixmatch import exceptions
from mixmatch import thread_pools

LOG = logging.getLogger(__name__)

Call = Callable[[str], Any]


@dataclasses.dataclass(frozen=True)
class Answers:
    """Results of a call to several service providers.

    :param answered: results by the name of the service provider
    :param missing: errors by the name of the service provider
    """

    answered: dict[str, Any]
    missing: dict[str, exceptions.MixmatchException]


class Fanout:
    """Calls service providers concurrently, each in threads of its own.

    :param conf: with ``[mixmatch] service_providers``, ``ask_threads``,
        ``ask_timeout`` and ``listing_refresh``
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._timeout = conf.mixmatch.ask_timeout
        self._pools = thread_pools.ThreadPools(conf.mixmatch.ask_threads,
                                               conf.mixmatch.service_providers)
        self._holdings = Holdings(conf.mixmatch.listing_refresh)

    def ask(self, names: Iterable[str], call: Call,
            timeout: float | None = None,
            patience: float = deadline.PATIENCE) -> Answers:
        """Call service providers, and wait for the results until a timeout.

        :param call: called with each name, in other threads, with the
            request context of this one; its requests end when the time is
            over
        :param timeout: seconds; the configured ones if it is None
        :param patience: seconds to wait for the probe of a service provider
            that was down
        """
        timeout = timeout or self._timeout
        at = time.monotonic() + timeout
        answers = Answers({}, {})
        asked = {}
        for name in names:
            try:
                asked[name] = self._submit(call, name, at, patience)
            except exceptions.MixmatchException as exc:
                answers.missing[name] = exc
        futures.wait(asked.values(), timeout)
        for name, answer in asked.items():
            if not answer.done():
                answer.cancel()
                answers.missing[name] = _silent(name, timeout)
                continue
            try:
                answers.answered[name] = answer.result()
            except exceptions.MixmatchException as exc:
                answers.missing[name] = exc
            except Exception as exc:
                # NOTE: a bad answer of one cloud must not lose the others.
                LOG.exception('The answer of service provider %s cannot be '
                              'used', name)
                answers.missing[name] = exceptions.ServiceProviderUnavailable(
                    service_provider=name,
                    reason=f'an answer that cannot be used '
                           f'({type(exc).__name__})')
        return answers

    def ask_for_listing(self, kind: str, project_id: str,
                        names: Iterable[str], call: Call,
                        timeout: float | None = None) -> Answers:
        """Call only service providers where a project may have resources.

        :param kind: collection of the resources, such as volumes
        :param project_id: the project at home
        :param call: returns the resources of the project there; a false
            value if it has none
        """
        whose = f'{kind} {project_id}'

        def learn(name: str) -> Any:
            found = call(name)
            self._holdings.remember(whose, name, bool(found))
            return found

        def check_later(name: str) -> None:
            try:
                learn(name)
            except Exception as exc:  # noqa: BLE001
                LOG.debug('Service provider %(sp)s could not be checked for '
                          '%(whose)s: %(reason)s',
                          {'sp': name, 'whose': whose, 'reason': exc})
        ask, check = self._holdings.sort(whose, names)
        for name in check:
            self._try_submit(check_later, name,
                             time.monotonic() + self._timeout)
        # NOTE: a list can do without clouds that were down a moment ago.
        return self.ask(ask, learn, timeout, patience=0)

    def add_holding(self, kind: str, project_id: str, name: str) -> None:
        """Remember that a project has resources at a service provider.

        :param kind: collection, as for :meth:`ask_for_listing`
        """
        self._holdings.remember(f'{kind} {project_id}', name, True)

    def begin(self, name: str, call: Call) -> None:
        """Begin a call without waiting; the call keeps its own result."""
        self._try_submit(call, name, math.inf, deadline.PATIENCE)

    def shutdown(self) -> None:
        """Wait until all calls have ended."""
        self._pools.shutdown()

    def _try_submit(self, call: Call, name: str,
                    at: float, patience: float = 0) -> None:
        """Begin an optional call; the work is done elsewhere if it fails."""
        try:
            self._submit(call, name, at, patience)
        except exceptions.MixmatchException as exc:
            LOG.debug('A call in the background was not begun: %s', exc)

    def _submit(self, call: Call, name: str,
                at: float, patience: float = 0) -> futures.Future:
        # NOTE: the threads serve one request after the other, so there must
        # always be one to replace the last.
        context = (oslo_context.get_current()
                   or oslo_context.RequestContext(overwrite=False))

        def run() -> Any:
            context.update_store()
            # NOTE: a queued call may start long after its deadline.
            if time.monotonic() >= at:
                raise _silent(name, self._timeout)
            with deadline.limit(at, patience):
                return call(name)
        return self._pools.submit(name, run)


class Holdings:
    """Memory of service providers where projects have no resources.

    :param refresh: seconds that an empty answer counts
    """

    def __init__(self, refresh: float) -> None:
        self._refresh = refresh
        self._lock = threading.Lock()
        self._nothing: cachetools.TTLCache = cachetools.TTLCache(
            100_000, refresh or 1)
        self._checking: cachetools.TTLCache = cachetools.TTLCache(
            100_000, refresh / 2 or 1)

    def remember(self, whose: str, name: str, something: bool) -> None:
        """Remember whether a project has resources at a service provider.

        :param whose: a collection and a project
        """
        if not self._refresh:
            return
        with self._lock:
            if something:
                self._nothing.pop((whose, name), None)
            else:
                self._nothing[whose, name] = True
                self._checking[whose, name] = True

    def sort(self, whose: str, names: Iterable[str]
             ) -> tuple[list[str], list[str]]:
        """Split service providers: call now, or check in the background.

        :returns: two lists; a service provider in neither was called just
            now, and the project had nothing there
        """
        ask, check = [], []
        with self._lock:
            for name in names:
                if (whose, name) not in self._nothing:
                    ask.append(name)
                elif (whose, name) not in self._checking:
                    self._checking[whose, name] = True
                    check.append(name)
        return ask, check


def _silent(name: str, timeout: float
            ) -> exceptions.ServiceProviderUnavailable:
    return exceptions.ServiceProviderUnavailable(
        service_provider=name, reason=f'no answer within {timeout:g} s')
