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

"""Cache of logins in a process, each made once for all waiting threads."""

from collections.abc import Callable
from concurrent import futures
import threading
import time

import cachetools
from oslo_log import log as logging

from mixmatch import deadline
from mixmatch import exceptions
from mixmatch.login import login
from mixmatch.login import shared_cache
from mixmatch import metrics
from mixmatch import threads

LOG = logging.getLogger(__name__)

#: Seconds. A refusal is kept as well, so that users unknown at most
#: of a hundred clouds do not try to log in there with each request.
REFUSED = 10
#: Seconds. A set-up that does not work is kept for a moment: the answer may
#: have taken long, and it may be mended.
BROKEN = 3
#: Seconds. A login that is refused so soon after it was made is not made
#: again: nothing would change, but each call would cost a login.
FRESH = 10
#: Most seconds that a thread waits for a login of another thread.
LONGEST = 180
#: The part of its life after which a login is renewed while it still serves.
RENEW_AFTER = 0.75

Make = Callable[[], login.Login]


class _UnderWay(futures.Future):
    """Login in progress, made by one thread and awaited by others.

    :ivar until: deadline of the thread that makes it
    """

    def __init__(self) -> None:
        super().__init__()
        self.until = deadline.get()

    @property
    def is_cut_short(self) -> bool:
        """True if it failed because of that thread's own deadline."""
        # NOTE: a socket may be a moment early.
        return (time.monotonic() >= self.until - 0.1 and isinstance(
            self.exception(), exceptions.ConnectionFailure))


class LoginCache:
    """Cache of logins, bounded in number and time.

    :param size: most logins
    :param shared: the cache that other processes share
    :param metrics_client: counts logins by their source
    """

    def __init__(self, size: int, shared: shared_cache.SharedLoginCache,
                 metrics_client: metrics.Metrics) -> None:
        self._shared = shared
        self._metrics = metrics_client
        self._lock = threading.Lock()
        self._kept: cachetools.TLRUCache = cachetools.TLRUCache(
            size, ttu=lambda _key, kept, now: kept.until, timer=time.time)
        self._refused: cachetools.TTLCache = cachetools.TTLCache(
            size, REFUSED)
        self._broken: cachetools.TTLCache = cachetools.TTLCache(size, BROKEN)
        self._not_renewed: cachetools.TTLCache = cachetools.TTLCache(
            size, REFUSED)
        self._under_way: dict[login.Key, _UnderWay] = {}

    def get(self, key: login.Key, make: Make,
            renew: bool = False) -> login.Login:
        """Return the cached login, or make a new one.

        :param make: logs in
        :param renew: make a new one in the background before it expires
        :raises MixmatchException: the error of ``make``, in all threads that
            waited
        """
        while True:
            with self._lock:
                kept = self._kept.get(key)
                refused = self._refused.get(key) or self._broken.get(key)
                waiting = self._under_way.get(key)
                if kept is None and refused is None and waiting is None:
                    mine = self._under_way[key] = _UnderWay()
            if kept is not None:
                if renew and waiting is None:
                    self._renew(key, make, kept)
                return kept
            if refused is not None:
                raise refused.again()
            if waiting is None:
                return self._make(key, make, mine, look=True)
            made = self._wait(key, waiting)
            if made is not None:
                return made

    def _wait(self, key: login.Key, waiting: _UnderWay
              ) -> login.Login | None:
        """Wait for the login that another thread makes.

        :returns: None if that thread had a shorter deadline: try again
        :raises MixmatchException: the error of that login
        """
        at = deadline.get()
        left = at - time.monotonic()
        try:
            return waiting.result(max(0.0, min(left, LONGEST)))
        except futures.TimeoutError as exc:
            # NOTE: since Python 3.11 also what the login itself may raise.
            if waiting.done() and waiting.exception() is exc:
                raise
            raise exceptions.ServiceProviderUnavailable(
                service_provider=key.service_provider,
                reason='a login there did not finish in time') from None
        except exceptions.ConnectionFailure:
            if waiting.is_cut_short and time.monotonic() < at:
                return None
            raise

    def keeps(self, key: login.Key) -> bool:
        with self._lock:
            return key in self._kept

    def drop(self, key: login.Key, used: login.Login) -> bool:
        """Drop a login that the service provider has rejected.

        :param used: the login that was rejected
        :returns: True if a retry with another login makes sense
        """
        with self._lock:
            if self._replaced(key, used):
                return True
            if time.time() - used.made < FRESH:
                return False
        # NOTE: first, lest another thread takes it from there again.
        self._shared.forget(key, used)
        with self._lock:
            dropped = (not self._replaced(key, used)
                       and self._kept.pop(key, None))
        if dropped:
            LOG.info('Service provider %s rejected a cached login; '
                     'logging in again', key.service_provider)
        return True

    def _replaced(self, key: login.Key, used: login.Login) -> bool:
        current = self._kept.get(key)
        return key in self._under_way or (
            current is not None and current.token != used.token)

    def _make(self, key: login.Key, make: Make, mine: _UnderWay,
              look: bool) -> login.Login:
        try:
            found = self._shared.get(key) if look else None
            made = found or make()
            if found is None:
                # NOTE: before the request goes on to another process.
                self._shared.set(key, made)
        except BaseException as exc:
            self._end(key, mine, exc)
            self._metrics.count(key.service_provider, 'login.failed')
            raise
        self._end(key, mine, made)
        self._metrics.count(key.service_provider,
                            'login.shared' if found else 'login.made')
        return made

    def _end(self, key: login.Key, mine: _UnderWay,
             outcome: login.Login | BaseException) -> None:
        """Cache the outcome of a login, and wake all threads that wait."""
        with self._lock:
            del self._under_way[key]
            if isinstance(outcome, login.Login):
                self._kept[key] = outcome
            elif isinstance(outcome, exceptions.ServiceProviderSetupError):
                self._broken[key] = outcome.again()
            elif isinstance(outcome, exceptions.Refused):
                self._refused[key] = outcome.again()
        if isinstance(outcome, BaseException):
            mine.set_exception(outcome)
        else:
            mine.set_result(outcome)

    def _renew(self, key: login.Key, make: Make, kept: login.Login) -> None:
        life = kept.until - kept.made
        if time.time() < kept.made + RENEW_AFTER * life:
            return
        with self._lock:
            if key in self._under_way or key in self._not_renewed:
                return
            # NOTE: this thread does not wait for it.
            with deadline.limit():
                mine = self._under_way[key] = _UnderWay()

        def renew() -> None:
            try:
                self._make(key, make, mine, look=False)
            except Exception as exc:  # noqa: BLE001
                with self._lock:
                    self._not_renewed[key] = True
                LOG.warning('The login of this service at service provider '
                            '%(sp)s could not be renewed: %(reason)s',
                            {'sp': key.service_provider, 'reason': exc})
        if threads.start(renew) is None:
            with self._lock:
                self._not_renewed[key] = True
            self._end(key, mine, exceptions.ServiceProviderUnavailable(
                service_provider=key.service_provider,
                reason='this service cannot start more threads'))
