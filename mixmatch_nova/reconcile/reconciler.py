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

"""Bring a volume of another cloud and the mappings of home together again.

It is not known what a request that was not answered has done, and when it
will: a service that hangs may do it a minute later. So the volume is
looked at until it has been as home believes for a while. "Seen twice" is
seconds apart, with the same status and time of the last change.

======================== ====================== ==============================
What is found            What is changed        Why it is nobody else's
======================== ====================== ==============================
an attachment that Nova  it is deleted, as      Nova never takes one back: a
has given up             often as needed; a 404 further attach, of the same
                         is believed only if    server too, makes one of
                         the volume, which is   another id
                         shown, has no such
                         attachment
*reserved* attachment of it is deleted, if seen its creation was not answered,
this server that no      twice and the server   or its mapping would know it;
mapping knows            is not being moved,    nothing is connected yet, so
                         rebuilt, ...           an attach that loses one all
                                                the same fails cleanly
attachment that is       nothing
connected, or of another
server or another cloud
*detaching*, and each    rolled back, if seen   only home's servers use it, so
attachment is one that a twice and no detach of only home can have begun; a
mapping of home has      these servers runs     detach that goes on all the
                         here                   same is not hurt: Cinder
                                                deletes an attachment in
                                                whatever state the volume is
*detaching*, with        nothing; only on an    a server of the other cloud
another attachment       operator's word        may be leaving it
*detaching* or *in-use*  made available, after  both states need an attachment
without attachment,      two minutes without    at least; home's was the last
after one of home's was  change                 one, and the volume was in no
deleted there                                   other state since
the same, or *reserved*  nothing; only on an    somebody there may be
or *attaching*, without  operator's word        attaching it in the old way,
attachment                                      which makes an attachment last
======================== ====================== ==============================

What is left to an operator stays in the journal, is looked at from time to
time and is resolved when it is ended: by the request that began it, or by
``mixmatch-nova reset``.
The operator of the service provider may not allow home to make a volume
available: then the log says so.
"""

import time
from typing import Any

from cinderclient import exceptions as cinder_exceptions
from oslo_utils import uuidutils

from mixmatch import federation
from mixmatch_nova import auth
from mixmatch_nova.reconcile import servers
from mixmatch_nova import target

#: Seconds until what was found is looked at again, and then changed.
CONFIRM = 5
#: Seconds between two looks that find nothing.
QUIET = 10
#: Seconds for which nothing must be found.
WATCH = 30
#: Seconds for which a volume must not change before it is made available.
ADRIFT = 120
#: Seconds between two looks at what is left to an operator, at most.
LEFT = 300

_DELETE, _ROLL, _RESET = 'delete', 'roll back', 'reset'

#: States of a volume that is in use, and those of them that it reaches only
#: with an attachment.
_USED = ('reserved', 'attaching', 'detaching', 'in-use')
_WAS_ATTACHED = ('detaching', 'in-use')


def reset(client: Any, volume_id: str) -> str | None:
    """End an unfinished operation on a volume, when an operator says so.

    :param client: of the cloud of the volume
    :returns: what was done; None if there was nothing to be done
    """
    volume = client.volumes.get(volume_id)
    attachments = volume.attachments or attachments_of(client, volume_id)
    if attachments and volume.status == 'detaching':
        client.volumes.roll_detaching(volume_id)
        return 'rolled the detach back'
    if not attachments and volume.status in _USED:
        client.volumes.reset_state(volume_id, 'available',
                                   attach_status='detached')
        return 'made it available'
    return None


def attachments_of(client: Any, volume_id: str) -> list[Any]:
    """The attachments of a volume, as its cloud lists them."""
    return [each for each in client.attachments.list(
        search_opts={'volume_id': volume_id})
        if each.volume_id == volume_id]


def is_gone(client: Any, volume_id: str, attachment_id: str) -> bool:
    """Return whether a cloud that knows a volume has no such attachment of it.

    :raises Exception: it does not know the volume, or does not answer
    """
    volume = client.volumes.get(volume_id)
    return attachment_id not in _ids(volume, attachments_of(client,
                                                            volume_id))


def _ids(volume: Any, attachments: list[Any]) -> set[str]:
    """The ids of attachments that a volume has by one way of asking."""
    return ({each.id for each in attachments}
            | {each.get('attachment_id') for each in volume.attachments})


#: Something to do, with which resource, and the state that calls for it.
_Finding = tuple[str, str, str | None]


class Reconciler:
    """The pending changes of one volume and server.

    :param subject: the volume and the server
    :param cell_servers: the state of servers of this cloud
    """

    def __init__(self, subject: target.Subject,
                 cell_servers: servers.Servers) -> None:
        self.subject = subject
        self.servers = cell_servers
        #: attachments that are to go
        self.attachments: set[str] = set()
        #: what was changed, for the log
        self.changes: list[str] = []
        #: seconds until the next look
        self.pause: float = 0
        #: what only an operator can end, for the log
        self.needs_operator = ''
        #: a finding, and since when
        self._seen: dict[_Finding, float] = {}
        self._quiet_since: float | None = None
        #: attachments that home has had
        self._ours: set[str] = set()
        #: whether the last that the volume had were some of these
        self._was_ours = False

    def restart(self, attachment_id: str | None = None) -> None:
        """Begin to watch anew, since another request was not answered."""
        if attachment_id:
            self.attachments.add(attachment_id)
            self._ours.add(attachment_id)
            self._was_ours = True
        self._quiet_since = None

    def run_once(self, clouds: federation.Federation) -> bool:
        """Look at the volume once, and change what must be changed.

        :returns: whether all is settled; else :attr:`pause` is how long to
            wait for the next look
        :raises Exception: one of the clouds does not answer, or refuses
        """
        client = auth.client_for(clouds, self.subject.target,
                                 self.servers.global_request_id)
        for attachment_id in sorted(self.attachments):
            if self._delete(client, attachment_id):
                self.attachments.discard(attachment_id)
        volume_id = self.subject.volume_id
        if volume_id is None:
            return not self.attachments or self._quiet()
        try:
            volume = client.volumes.get(volume_id)
        except cinder_exceptions.NotFound:
            # NOTE: a cloud that does not know the volume does not know what
            # of it is gone; so not at once.
            return self._quiet()
        attachments = attachments_of(client, volume_id)
        self.attachments &= _ids(volume, attachments)
        return self._compare(client, volume, attachments)

    def _compare(self, client: Any, volume: Any,
                 attachments: list[Any]) -> bool:
        self.needs_operator = ''
        found, wait = self._examine(volume, attachments)
        now = time.monotonic()
        before, self._seen = self._seen, {}
        for finding in sorted(found, key=str):
            since = before.get(finding)
            if since is not None and now - since >= (
                    ADRIFT if finding[0] == _RESET else 0):
                self._change(client, finding)
            else:
                self._seen[finding] = now if since is None else since
        if found or wait:
            self._quiet_since, self.pause = None, CONFIRM
            return False
        if self.needs_operator or self.attachments:
            self._quiet_since = None
            self.pause = min(max(self.pause, CONFIRM) * 2, LEFT)
            return False
        return self._quiet()

    def _quiet(self) -> bool:
        """Note that nothing is wrong; return whether that is so for long."""
        now = time.monotonic()
        if self._quiet_since is None:
            self._quiet_since = now
        self.pause = QUIET
        return now - self._quiet_since >= WATCH

    def _examine(self, volume: Any, attachments: list[Any]
                 ) -> tuple[set[_Finding], bool]:
        """Return what is wrong, and whether an operation is under way."""
        stamp = f'{volume.status} {getattr(volume, "updated_at", None)}'
        if not attachments:
            return self._examine_unattached(volume, stamp), False
        found: set[_Finding] = set()
        server_id = self.subject.server_id
        unknown = {each.id for each in attachments
                   if each.status == 'reserved' and server_id
                   and each.instance == server_id
                   and uuidutils.is_uuid_like(each.id)}
        if unknown and server_id:
            if self.servers.is_busy(server_id):
                return set(), True
            unknown -= self.servers.attachments(server_id)
            found |= {(_DELETE, each, None) for each in unknown}
            self._ours |= unknown
        others = [each for each in attachments if not (
            each.id in self._ours or self._is_mapped(each))]
        self._was_ours = not others
        if volume.status == 'detaching':
            if others:
                self.needs_operator = 'detaching, and others use it, too'
            elif any(self.servers.is_detaching(each.instance)
                     for each in attachments
                     if uuidutils.is_uuid_like(each.instance)):
                return found, True
            else:
                found.add((_ROLL, volume.id, stamp))
        return found, False

    def _examine_unattached(self, volume: Any, stamp: str) -> set[_Finding]:
        if volume.status not in _USED or volume.attachments:
            # NOTE: a later user of it is not home.
            self._was_ours = False
        elif self._was_ours and volume.status in _WAS_ATTACHED:
            return {(_RESET, volume.id, stamp)}
        else:
            self.needs_operator = f'{volume.status} without an attachment'
        return set()

    def _is_mapped(self, attachment: Any) -> bool:
        """Return whether a mapping of home has an attachment."""
        return (uuidutils.is_uuid_like(attachment.instance)
                and attachment.id in self.servers.attachments(
                    attachment.instance))

    def _change(self, client: Any, finding: _Finding) -> None:
        kind, resource_id, _ = finding
        if kind == _DELETE:
            self._delete(client, resource_id)
        elif kind == _ROLL:
            client.volumes.roll_detaching(resource_id)
            self.changes.append('rolled the detach back')
        else:
            client.volumes.reset_state(resource_id, 'available',
                                       attach_status='detached')
            self.changes.append('made it available')

    def _delete(self, client: Any, attachment_id: str) -> bool:
        """Delete an attachment; return whether the other cloud had it."""
        try:
            client.attachments.delete(attachment_id)
        except cinder_exceptions.NotFound:
            gone = f'attachment {attachment_id} was gone'
            if gone not in self.changes:
                self.changes.append(gone)
            return False
        self.changes.append(f'deleted attachment {attachment_id}')
        return True
