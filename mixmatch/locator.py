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

"""Location of a resource that home does not have.

A location is *certain* if all other service providers said that they have no
such resource. Only its cloud is then asked, and its "not found" is final: the
resource has been deleted, and no other cloud has to be there to say so. A
location is *likely* if others did not answer. All are asked again then, but
"not found" of the likely one is believed while the others are silent.

Locations are known to all processes of home, if they have a shared cache.
"""

import abc
import dataclasses
import functools
import threading
import time
from typing import Any, Protocol

import cachetools
from oslo_log import log as logging

from mixmatch import exceptions
from mixmatch import fanout
from mixmatch import federation
from mixmatch import shared_facts
from mixmatch import user_request

LOG = logging.getLogger(__name__)

Found = tuple[str, Any]


class Resource(Protocol):
    """Resource with an id, as a key and for logs."""

    @property
    def id(self) -> str:
        """The id, in canonical form."""

    @property
    def collection(self) -> str:
        """Name of the collection, as in paths of the API."""

    @property
    def title(self) -> str:
        """Text for the beginning of a message."""

    def __hash__(self) -> int: ...


class ClaimedTwice(exceptions.MixmatchException):
    """Several service providers return a resource with the same id.

    Each of them is sent the id, so any of them could claim it.
    """

    msg_fmt = ('%(resource)s exists at more than one service provider: '
               '%(claimed_by)s. Select one of them by the query '
               'os-mixmatch:service_provider.')
    code = 409


#: Answer of a service provider that has no such resource.
NOT_FOUND: Any = {}


@dataclasses.dataclass(frozen=True)
class _Location:
    """The service provider where a resource is, or was.

    :param certain: whether all others have denied that they have it
    """

    name: str
    certain: bool


class Locator(abc.ABC):
    """Finds resources at service providers, and remembers their locations.

    A package that has such resources defines :meth:`ask`.

    :param clouds: the service providers of this process
    :param size: number of locations to remember
    :param seconds: lifetime of a location
    """

    def __init__(self, clouds: federation.Federation, size: int = 10_000,
                 seconds: float = 3600) -> None:
        self._clouds = clouds
        self._seconds = seconds
        self._lock = threading.Lock()
        self._known: cachetools.TTLCache = cachetools.TTLCache(size, seconds)

    def find(self, request: user_request.UserRequest, names: list[str],
             resource: Resource) -> Found | None:
        """Ask the known location, else all service providers in parallel.

        :param names: the service providers that may be asked
        :returns: the service provider and its answer; None if
            none of them has it for this user, or if it was deleted
        :raises ServiceProviderUnavailable: one that may have it does not
            answer, so "not found" could be wrong
        :raises ClaimedTwice: several of them have it
        """
        key = request.project_id, resource
        known = self._recall(key)
        if known and known.certain and known.name in names:
            answers = self._ask_each(request, [known.name], resource)
            self._check(answers, resource)
            body = answers.answered[known.name]
            if body is not None:
                return self._found(request, resource, known, body)
        return self._find(request, names, resource, known)

    def _find(self, request: user_request.UserRequest, names: list[str],
              resource: Resource, known: _Location | None
              ) -> Found | None:
        answers = self._ask_each(request, names, resource)
        found = [name for name, body in answers.answered.items() if body]
        if len(found) > 1:
            raise ClaimedTwice(resource=resource.title,
                               claimed_by=', '.join(sorted(found)))
        if found:
            # NOTE: one that did not answer could claim it as well, or one
            # that this request has not selected.
            offered = request.requester.service_providers
            location = _Location(found[0], not answers.missing and not (
                set(offered) & set(self._clouds.names) - set(names)))
            return self._found(request, resource, location,
                               answers.answered[found[0]])
        if known and answers.answered.get(known.name) is NOT_FOUND:
            return None
        self._check(answers, resource)
        return None

    def _found(self, request: user_request.UserRequest,
               resource: Resource, location: _Location,
               body: Any) -> Found | None:
        if not body:
            return None
        key = request.project_id, resource
        with self._lock:
            self._known[key] = location
        self._clouds.facts.set(_fact(key), [
            location.name, location.certain, time.time() + self._seconds])
        self._clouds.holdings.note(
            request.owner(resource.collection), location.name)
        return location.name, body

    def _recall(self, key: Any) -> _Location | None:
        """Return a location that this or another process has found."""
        with self._lock:
            known = self._known.get(key)
        if known and known.certain:
            return known
        [fact] = self._clouds.facts.get(_fact(key)) or [None]
        try:
            name, certain, until = fact
            if until > time.time():
                return _Location(name, certain is True)
        except (TypeError, ValueError):
            pass
        return known

    def _ask_each(self, request: user_request.UserRequest, names: list[str],
                  resource: Resource) -> fanout.Answers:
        return self._clouds.ask(names, functools.partial(
            self._ask, request, resource))

    def _check(self, answers: fanout.Answers, resource: Resource
               ) -> None:
        """Check that all have answered.

        :raises ServiceProviderUnavailable: one has not
        """
        for name, exc in answers.missing.items():
            LOG.info('Cannot look for %(resource)s at service provider '
                     '%(sp)s: %(reason)s',
                     {'resource': resource, 'sp': name, 'reason': exc})
        if answers.missing:
            raise next(iter(answers.missing.values()))

    @abc.abstractmethod
    def ask(self, request: Any, resource: Any, name: str) -> Any:
        """Ask one service provider for a resource.

        Called in a thread of that service provider.

        :param name: the service provider
        :returns: what it tells of the resource, :data:`NOT_FOUND`, or None if
            the user may see no such resources there
        :raises Refused, UnknownServiceProvider: the user has no access
        :raises ServiceProviderUnavailable: it did not answer
        """

    def _ask(self, request: user_request.UserRequest, resource: Resource,
             name: str) -> Any:
        try:
            return self.ask(request, resource, name)
        except (exceptions.Refused,
                exceptions.UnknownServiceProvider) as exc:
            LOG.debug('No access to service provider %(sp)s to look for '
                      '%(resource)s: %(reason)s',
                      {'sp': name, 'resource': resource, 'reason': exc})
            return None


def _fact(key: tuple[str, Resource]) -> shared_facts.Key:
    project_id, resource = key
    return 'location', project_id, resource.collection, resource.id
