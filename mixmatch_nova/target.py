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

"""The target of a volume or an attachment: a cloud, and a project in it."""

import dataclasses
import threading
from typing import Any
import weakref

from mixmatch import exceptions


@dataclasses.dataclass(frozen=True)
class Target:
    """A cloud and a project in it.

    :param service_provider: the id of the service provider
    :param project_id: the project there that owns the volume; None until a
        login has told it
    """

    service_provider: str
    project_id: str | None = None

    def __str__(self) -> str:
        return f'{self.service_provider}:{self.project_id or ""}'

    @classmethod
    def parse(cls, text: str) -> 'Target':
        # NOTE: the id of a service provider may hold a colon, that of a
        # project may not.
        service_provider, _, project_id = text.rpartition(':')
        return cls(service_provider, project_id or None)


@dataclasses.dataclass(frozen=True)
class Subject:
    """The volume and the server that a request was about.

    :param target: a cloud and the project of the volume there
    :param volume_id: of the other cloud; None if only an attachment is known
    :param server_id: of home
    """

    target: Target
    volume_id: str | None
    server_id: str | None

    def __str__(self) -> str:
        return (f'volume {self.volume_id} at service provider '
                f'{self.target.service_provider} (server {self.server_id})')


#: Home is a target too: an id that was seen to be home's stays home's.
HOME = Target('')

_CONFLICT = 'conflict'


class ConflictingTargets(exceptions.MixmatchException):
    """The same id was seen at two clouds in one request.

    A service provider chooses the ids of its volumes, and must not be able
    to draw requests for a volume of home to itself.
    """

    msg_fmt = ('%(resource_id)s is reported by more than one cloud; it is '
               'not changed in any. Either a Nova service of this cloud '
               'made its block device mapping without mixmatch (enable it in '
               'the nova.conf of each), or a service provider uses an id '
               'that is not its own')
    code = 400


class Targets:
    """The targets of the ids in one request.

    The id is that of a volume, an attachment or a snapshot.
    """

    def __init__(self) -> None:
        self._targets: dict[str, Target] = {}
        self._conflicts: set[str] = set()
        #: (server id, volume id) of the URL, for a lookup of the block
        #: device mapping by the first that needs it
        self.attachment_of_url: tuple[str, str] | None = None
        #: id of a foreign volume or attachment -> (volume id, server id), as
        #: the mapping said that was loaded last
        self.bdms: dict[str, tuple[str, str | None]] = {}
        #: the server whose attachments Nova compares with its mappings, to
        #: destroy those that have none
        self.compared: str | None = None
        #: whether the user wants no other cloud to be asked
        self.this_cloud_only = False
        #: snapshot id -> the snapshot, for the next that asks for it
        self.snapshots: dict[str, dict[str, Any]] = {}
        #: attachments of which another cloud said "not found" when Nova
        #: deleted them, which Nova takes for success
        self.not_found: set[str] = set()
        #: attachments of which another cloud did not answer a request
        self.unanswered: set[str] = set()
        #: what mixmatch raised last in this request, for the API's answer
        self.failure: exceptions.MixmatchException | None = None

    def remember(self, resource_id: str | None, target: Target) -> None:
        """Remember where a volume or an attachment lives."""
        if not resource_id:
            return
        known = self._targets.setdefault(resource_id, target)
        if known.service_provider != target.service_provider:
            self._conflicts.add(resource_id)
        elif not known.project_id:
            self._targets[resource_id] = target
        elif target.project_id not in (None, known.project_id):
            self._conflicts.add(resource_id)

    def get(self, resource_id: str) -> Target | None:
        """Return the target of a volume or an attachment; None if unknown.

        :raises ConflictingTargets: two clouds report the id
        """
        if resource_id in self._conflicts:
            raise ConflictingTargets(resource_id=resource_id)
        return self._targets.get(resource_id)

    def get_remote(self, resource_id: str) -> Target | None:
        """Return the service provider of an id; None if that is home."""
        target = self.get(resource_id)
        return None if target == HOME else target

    def to_dict(self) -> dict[str, str]:
        """For the message bus: names and ids, never a token."""
        foreign = {key: str(target) for key, target in self._targets.items()
                   if target != HOME}
        return {**foreign, **dict.fromkeys(self._conflicts, _CONFLICT)}

    def update(self, values: dict[str, str]) -> None:
        """Take over what :meth:`to_dict` of another process told."""
        for key, text in values.items():
            if text == _CONFLICT:
                self._conflicts.add(key)
            else:
                self.remember(key, Target.parse(text))


class Registry:
    """The targets of each request that this process works on.

    Nova copies the context of a request often, not always with its
    attributes, but with its request id. An entry lives as long as one of
    the contexts that were given it.
    """

    _ATTRIBUTE = 'mixmatch_targets'

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: weakref.WeakValueDictionary[str, Targets] = (
            weakref.WeakValueDictionary())

    def from_context(self, context: Any) -> Targets:
        """The targets of the request that a context belongs to."""
        targets = getattr(context, self._ATTRIBUTE, None)
        if targets is None:
            with self._lock:
                targets = self._requests.setdefault(
                    context.request_id, Targets())
            setattr(context, self._ATTRIBUTE, targets)
        return targets


_REGISTRY = Registry()
from_context = _REGISTRY.from_context

_UNPATCHED = 'mixmatch_sent_by_unpatched'


def is_sender_unpatched(context: Any) -> bool:
    """Return whether a Nova service without the plugin sent a context."""
    return getattr(context, _UNPATCHED, False)


def set_sender_unpatched(context: Any, unpatched: bool) -> None:
    """Remember whether the sender of a context runs the plugin."""
    setattr(context, _UNPATCHED, unpatched)
