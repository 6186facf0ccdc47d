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

"""Where a volume or a snapshot lives that home does not have."""

import functools
import threading
from typing import Any

import cachetools
from oslo_log import log as logging

from mixmatch import exceptions
from mixmatch import federation
from mixmatch_cinder.home import remote as partner
from mixmatch_cinder.home import routes

LOG = logging.getLogger(__name__)

Found = tuple[str, dict[str, Any]]


class ClaimedTwice(exceptions.MixmatchException):
    """Two service providers say that a volume is theirs.

    Each is asked for the id, so each could claim it.
    """

    msg_fmt = ('%(what)s %(volume_id)s is claimed by more than one service '
               'provider: %(claimed_by)s. Name the right one.')
    code = 409


class Locator:
    """Asks service providers for a volume, and remembers who has it.

    :param clouds: the service providers of this process
    :param size: how many locations are remembered
    :param seconds: for how long
    """

    def __init__(self, clouds: federation.Federation, size: int = 10_000,
                 seconds: float = 3600) -> None:
        self._clouds = clouds
        self._partner = partner.Partner(clouds)
        self._lock = threading.Lock()
        self._known: cachetools.TTLCache = cachetools.TTLCache(size, seconds)

    def find(self, who: partner.Who, names: list[str], kind: routes.Kind,
             resource_id: str) -> Found | None:
        """Ask the one that had it, else all, at the same time.

        :param names: the service providers that may be asked
        :param resource_id: as Cinder writes it
        :returns: the service provider and its body of the volume; None if
            all say that there is no such volume for this user
        :raises ServiceProviderUnavailable: one that could have it does not
            answer; "not found" would be a lie
        :raises ClaimedTwice: several say that they have it
        """
        key = who.project_id, kind.collection, resource_id
        with self._lock:
            known = self._known.get(key)
        if known in names:
            found = self._ask_all(who, [known], kind, resource_id)
            if found:
                return found
            with self._lock:
                self._known.pop(key, None)
        return self._ask_all(who, names, kind, resource_id, key)

    def _ask_all(self, who: partner.Who, names: list[str], kind: routes.Kind,
                 resource_id: str, key: Any = None) -> Found | None:
        answers = self._clouds.ask(names, functools.partial(
            self._ask, who, kind, resource_id))
        found = [name for name, body in answers.answered.items() if body]
        if len(found) > 1:
            raise ClaimedTwice(what=kind.member.capitalize(),
                               volume_id=resource_id,
                               claimed_by=', '.join(sorted(found)))
        if found:
            # NOTE: who is silent now could claim it as well.
            if key and not answers.missing:
                with self._lock:
                    self._known[key] = found[0]
            return found[0], answers.answered[found[0]]
        for name, exc in answers.missing.items():
            LOG.info('%(what)s %(id)s may be at %(sp)s: %(reason)s',
                     {'what': kind.member.capitalize(), 'id': resource_id,
                      'sp': name, 'reason': exc})
        if answers.missing:
            raise next(iter(answers.missing.values()))
        return None

    def _ask(self, who: partner.Who, kind: routes.Kind, resource_id: str,
             name: str) -> dict[str, Any] | None:
        try:
            reply = self._partner.send(
                name, who, 'GET', f'/{kind.collection}/{resource_id}')
        except (exceptions.Refused,
                exceptions.UnknownServiceProvider) as exc:
            LOG.debug('Not asked for %(what)s %(id)s: %(reason)s',
                      {'what': kind.member, 'id': resource_id, 'reason': exc})
            return None
        if reply.status == 404:
            return None
        if reply.status != 200:
            raise partner.unusable(
                name, f'its Cinder answered HTTP {reply.status}')
        found = reply.body.get(kind.member)
        if not isinstance(found, dict) or found.get('id') != resource_id:
            raise partner.unusable(
                name, 'its Cinder answered with something else than '
                f'{kind.member} {resource_id}')
        return found
