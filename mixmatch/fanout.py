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
import time
from typing import Any

from oslo_config import cfg
from oslo_context import context as oslo_context
from oslo_log import log as logging

from mixmatch import deadline
from mixmatch import exceptions
from mixmatch import holdings
from mixmatch import shared_facts
from mixmatch import thread_pools

LOG = logging.getLogger(__name__)

Call = Callable[[str], Any]


@dataclasses.dataclass(frozen=True)
class Answers:
    """Results of a call to several service providers.

    :param answered: results by the name of the service provider
    :param missing: errors by the name of the service provider
    :param had_nothing: those of ``missing`` where, by what is known, the
        project has nothing
    """

    answered: dict[str, Any]
    missing: dict[str, exceptions.MixmatchException]
    had_nothing: frozenset[str] = frozenset()


class Fanout:
    """Calls service providers concurrently, each in threads of its own.

    :param conf: with ``[mixmatch] service_providers``, ``ask_threads``,
        ``ask_timeout`` and ``listing_refresh``
    :param facts: shared by all processes
    """

    def __init__(self, conf: cfg.ConfigOpts,
                 facts: shared_facts.SharedFacts) -> None:
        self._timeout = conf.mixmatch.ask_timeout
        self._pools = thread_pools.ThreadPools(conf.mixmatch.ask_threads,
                                               conf.mixmatch.service_providers)
        self.holdings = holdings.Holdings(facts,
                                          conf.mixmatch.listing_refresh)

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

    def ask_for_listing(self, owner: holdings.Owner, names: Iterable[str],
                        call: Call, timeout: float | None = None,
                        proves: Callable[[Any], bool | None] = bool
                        ) -> Answers:
        """Call only service providers where a project may have resources.

        :param call: returns the resources of the project there
        :param proves: tells from a result whether the project has something
            there; None if the result does not tell
        """
        known = self.holdings.look(owner)

        def check_later(name: str) -> None:
            try:
                known.learn({name: proves(call(name))}, {})
            except Exception as exc:  # noqa: BLE001
                LOG.debug('Service provider %(sp)s could not be checked for '
                          '%(owner)s: %(reason)s',
                          {'sp': name, 'owner': owner, 'reason': exc})
        ask, check = known.sort(names)
        for name in check:
            self._try_submit(check_later, name,
                             time.monotonic() + self._timeout)
        # NOTE: a list can do without clouds that were down a moment ago.
        answers = self.ask(ask, call, timeout, patience=0)
        known.learn({name: proves(found) for name, found
                     in answers.answered.items()}, answers.missing)
        return dataclasses.replace(answers, had_nothing=frozenset(
            filter(known.had_nothing, answers.missing)))

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


def _silent(name: str, timeout: float
            ) -> exceptions.ServiceProviderUnavailable:
    return exceptions.ServiceProviderUnavailable(
        service_provider=name, reason=f'no answer within {timeout:g} s')
