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


"""Thread pool for each service provider: a bulkhead against slow ones."""

from collections.abc import Callable, Iterable
from concurrent import futures
import threading
from typing import Any

from mixmatch import exceptions

#: Calls in the queue for each thread.
WAITING = 8
#: Least number of threads for each service provider.
FEWEST = 4


class ThreadPools:
    """Bounded threads, and a bounded queue, for each service provider.

    Threads are started on demand and never shared between service providers,
    so one that does not answer delays no other.

    NOTE: futurist's executors could refuse as well, but (as of 3.5.0) they
    make a thread for each call until all are there, wake each once a second,
    and lose one for ever that could not be started.

    :param size: threads, if there is one name
    :param names: of all service providers
    """

    def __init__(self, size: int, names: Iterable[str]) -> None:
        number = len(list(names)) or 1
        self._share = max(size // number, min(FEWEST, size))
        self._lock = threading.Lock()
        self._pools: dict[str, futures.ThreadPoolExecutor] = {}
        self._calls: dict[str, int] = {}

    def submit(self, name: str, call: Callable[[], Any]) -> futures.Future:
        """Submit a call.

        :raises ServiceProviderUnavailable: the queue is full, or no thread
            can be started
        """
        with self._lock:
            calls = self._calls.get(name, 0)
            if calls >= self._share * (1 + WAITING):
                raise _refusal(name, f'{calls} calls wait for it already')
            self._calls[name] = calls + 1
            pool = self._pools.get(name)
            if pool is None:
                pool = self._pools[name] = futures.ThreadPoolExecutor(
                    self._share, thread_name_prefix=f'mixmatch-ask-{name}')
        try:
            future = pool.submit(call)
        except (RuntimeError, MemoryError) as exc:
            self._ended(name)
            raise _refusal(name, 'this service cannot start more threads'
                           ) from exc
        future.add_done_callback(lambda _: self._ended(name))
        return future

    def shutdown(self) -> None:
        """Wait until all calls have ended; no more are taken."""
        with self._lock:
            pools = list(self._pools.values())
        for pool in pools:
            pool.shutdown()

    def _ended(self, name: str) -> None:
        with self._lock:
            self._calls[name] -= 1


def _refusal(name: str, reason: str
             ) -> exceptions.ServiceProviderUnavailable:
    return exceptions.ServiceProviderUnavailable(
        service_provider=name, reason=f'it was not asked: {reason}')
