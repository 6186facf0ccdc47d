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

"""Location of a volume or a snapshot that home does not have."""

import functools
import threading
from typing import Any

import cachetools
from oslo_log import log as logging

from mixmatch import exceptions
from mixmatch import federation
from mixmatch_cinder.home import remote
from mixmatch_cinder.home import routes
from mixmatch_cinder.home import user_request

LOG = logging.getLogger(__name__)

Found = tuple[str, dict[str, Any]]


class ClaimedTwice(exceptions.MixmatchException):
    """Several service providers return a resource with the same id.

    Each of them is sent the id, so any of them could claim it.
    """

    msg_fmt = ('%(resource)s exists at more than one service provider: '
               '%(claimed_by)s. Select one of them by the query '
               'os-mixmatch:service_provider.')
    code = 409


class Locator:
    """Finds resources at service providers, and remembers their locations.

    :param clouds: the service providers of this process
    :param size: number of locations to remember
    :param seconds: lifetime of a location
    """

    def __init__(self, clouds: federation.Federation, size: int = 10_000,
                 seconds: float = 3600) -> None:
        self._clouds = clouds
        self._remote = remote.Client(clouds)
        self._lock = threading.Lock()
        self._known: cachetools.TTLCache = cachetools.TTLCache(size, seconds)

    def find(self, request: user_request.UserRequest, names: list[str],
             resource: routes.Resource) -> Found | None:
        """Ask the known location, else all service providers in parallel.

        :param names: the service providers that may be asked
        :returns: the service provider and its body of the resource; None if
            none of them has it for this user
        :raises ServiceProviderUnavailable: one that may have it does not
            answer, so "not found" could be wrong
        :raises ClaimedTwice: several of them have it
        """
        key = request.project_id, resource
        with self._lock:
            known = self._known.get(key)
        if known in names:
            found = self._ask_all(request, [known], resource)
            if found:
                return found
            with self._lock:
                self._known.pop(key, None)
        return self._ask_all(request, names, resource, key)

    def _ask_all(self, request: user_request.UserRequest, names: list[str],
                 resource: routes.Resource, key: Any = None) -> Found | None:
        answers = self._clouds.ask(names, functools.partial(
            self._ask, request, resource))
        found = [name for name, body in answers.answered.items() if body]
        if len(found) > 1:
            raise ClaimedTwice(resource=resource.title,
                               claimed_by=', '.join(sorted(found)))
        if found:
            # NOTE: one that did not answer could claim it as well.
            if key and not answers.missing:
                with self._lock:
                    self._known[key] = found[0]
            return found[0], answers.answered[found[0]]
        for name, exc in answers.missing.items():
            LOG.info('Cannot look for %(resource)s at service provider '
                     '%(sp)s: %(reason)s',
                     {'resource': resource, 'sp': name, 'reason': exc})
        if answers.missing:
            raise next(iter(answers.missing.values()))
        return None

    def _ask(self, request: user_request.UserRequest,
             resource: routes.Resource, name: str) -> dict[str, Any] | None:
        try:
            reply = self._remote.send(name, request, 'GET', resource.path)
        except (exceptions.Refused,
                exceptions.UnknownServiceProvider) as exc:
            LOG.debug('No access to service provider %(sp)s to look for '
                      '%(resource)s: %(reason)s',
                      {'sp': name, 'resource': resource, 'reason': exc})
            return None
        if reply.status == 404:
            return None
        if reply.status != 200:
            raise remote.unusable(
                name, f'its Cinder answered HTTP {reply.status}')
        found = reply.body.get(resource.kind.member)
        if not isinstance(found, dict) or found.get('id') != resource.id:
            raise remote.unusable(
                name,
                f'its Cinder answered with an invalid body for {resource}')
        return found
