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


"""Brings a volume of another cloud and the mappings of home together again.

After a request that was not answered nobody knows what it has done, and when
it will: a service that hangs may do it a minute later. So the volume is
looked at until it has been as home believes for a while. What is changed, and
why that hurts nobody who tries again meanwhile:

* An attachment that Nova has given up is deleted, as often as needed. Nova
  never takes one back: a further attach, of the same server too, makes one of
  another id. Until it is deleted, the other Cinder keeps the volume from other
  servers, and refuses to connect it twice.
* A *reserved* attachment of this server that no mapping knows is deleted: its
  creation was not answered. A further attach of the user makes another one,
  which its mapping knows a moment later. It is looked for twice, seconds
  apart, and not while the server is being moved or rebuilt, when a mapping
  may learn of its new attachment late. Should a server still lose one so, its
  attach fails cleanly: nothing is connected yet. Attachments that are
  connected, those of other servers and other clouds are never touched.
* A volume in ``detaching`` is rolled back, if it is so twice, unchanged, while
  no detach of its server runs here. A detach that goes on all the same is not
  hurt: Cinder deletes an attachment in whatever state the volume is.
* A volume that is reserved, attaching, detaching or in use without any
  attachment, twice and unchanged, is made available. Cinder itself leaves it
  so if it dies between two steps, or if a late request overtakes another; no
  request of Nova's ends that state, and none that is under way lasts for
  seconds without an attachment. The landlord may not allow this: then the
  log says so.
"""

import dataclasses
import time
from typing import Any

from cinderclient import exceptions as cinder_exceptions
from oslo_utils import uuidutils

from mixmatch import federation
from mixmatch_nova import home
from mixmatch_nova import target

#: Seconds until what was found is looked at again, and then changed.
CONFIRM = 5
#: Seconds between two looks that find nothing.
QUIET = 10
#: Seconds for which nothing must be found.
WATCH = 30

MICROVERSION = '3.44'

_DELETE, _ROLL, _RESET = 'delete', 'roll back', 'reset'

#: What only a volume with an attachment may be.
_USED = ('reserved', 'attaching', 'detaching', 'in-use')


@dataclasses.dataclass(frozen=True)
class Subject:
    """What a request was about.

    :param where: a cloud and the project of the volume there
    :param volume_id: of the other cloud; None if only an attachment is known
    :param server_id: of home
    """

    where: target.Target
    volume_id: str | None
    server_id: str | None

    def __str__(self) -> str:
        return (f'volume {self.volume_id} at service provider '
                f'{self.where.service_provider} (server {self.server_id})')


def client_of(clouds: federation.Federation, where: target.Target,
              request_id: str | None = None) -> Any:
    """The ``cinderclient`` of Nova itself in a project of another cloud.

    :param request_id: of home, for the log there
    :raises mixmatch.exceptions.MixmatchException: Nova cannot log in
    """
    name = where.service_provider
    return clouds.service_provider(name).volume_client(
        clouds.with_service_token(
            name, clouds.service_login(name, where.project_id)),
        MICROVERSION, request_id)


#: Something to do, with which resource, and the state that calls for it.
_Finding = tuple[str, str, str | None]


class Correction:
    """What is outstanding for one volume and server.

    :param subject: the volume and the server
    :param at_home: where to ask for the server
    """

    def __init__(self, subject: Subject, at_home: home.Home) -> None:
        self.subject = subject
        self.home = at_home
        #: attachments that are to go
        self.attachments: set[str] = set()
        #: what was changed, for the log
        self.done: list[str] = []
        #: seconds until the next look
        self.pause: float = 0
        self._seen: set[_Finding] = set()
        self._quiet_since: float | None = None

    def renew(self, attachment_id: str | None = None) -> None:
        """Begin to watch anew, since another request was not answered."""
        if attachment_id:
            self.attachments.add(attachment_id)
        self._quiet_since = None

    def look(self, clouds: federation.Federation) -> bool:
        """Look at the volume once, and change what must be changed.

        :returns: whether all is settled; else :attr:`pause` is how long to
            wait for the next look
        :raises Exception: one of the clouds does not answer, or refuses
        """
        client = client_of(clouds, self.subject.where,
                           self.home.global_request_id)
        for attachment_id in sorted(self.attachments):
            self._delete(client, attachment_id)
            self.attachments.discard(attachment_id)
        if self.subject.volume_id is None:
            return True
        try:
            volume = client.volumes.get(self.subject.volume_id)
        except cinder_exceptions.NotFound:
            return True
        found, wait = self._examine(volume, self._attachments(client))
        sure, self._seen = found & self._seen, found
        for finding in sorted(sure, key=str):
            self._change(client, finding)
        if found or wait:
            self._quiet_since, self.pause = None, CONFIRM
            return False
        now = time.monotonic()
        if self._quiet_since is None:
            self._quiet_since = now
        self.pause = QUIET
        return now - self._quiet_since >= WATCH

    def _attachments(self, client: Any) -> list[Any]:
        volume_id = self.subject.volume_id
        return [each for each in client.attachments.list(
            search_opts={'volume_id': volume_id})
            if each.volume_id == volume_id]

    def _examine(self, volume: Any, attachments: list[Any]
                 ) -> tuple[set[_Finding], bool]:
        """What is not as it should be, and whether something is under way.
        """
        stamp = f'{volume.status} {getattr(volume, "updated_at", None)}'
        if not attachments:
            adrift = volume.status in _USED and not volume.attachments
            return ({(_RESET, volume.id, stamp)} if adrift else set()), False
        found: set[_Finding] = set()
        server_id = self.subject.server_id
        unknown = {each.id for each in attachments
                   if each.status == 'reserved' and server_id
                   and each.instance == server_id
                   and uuidutils.is_uuid_like(each.id)}
        if unknown and server_id:
            if self.home.is_busy(server_id):
                return set(), True
            unknown -= self.home.attachments(server_id)
            found |= {(_DELETE, each, None) for each in unknown}
        if volume.status == 'detaching':
            servers = {each.instance for each in attachments
                       if uuidutils.is_uuid_like(each.instance)}
            if any(map(self.home.is_detaching, servers)):
                return found, True
            found.add((_ROLL, volume.id, stamp))
        return found, False

    def _change(self, client: Any, finding: _Finding) -> None:
        kind, resource_id, _ = finding
        self._seen.discard(finding)
        if kind == _DELETE:
            self._delete(client, resource_id)
        elif kind == _ROLL:
            client.volumes.roll_detaching(resource_id)
            self.done.append('rolled the detach back')
        else:
            client.volumes.reset_state(resource_id, 'available',
                                       attach_status='detached')
            self.done.append('made it available')

    def _delete(self, client: Any, attachment_id: str) -> None:
        try:
            client.attachments.delete(attachment_id)
            self.done.append(f'deleted attachment {attachment_id}')
        except cinder_exceptions.NotFound:
            self.done.append(f'attachment {attachment_id} was gone')
