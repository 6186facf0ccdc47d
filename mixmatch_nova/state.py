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

"""The state of a request of Nova that concerns other clouds."""

import threading
from typing import Any
import weakref

from mixmatch import exceptions
from mixmatch_nova import target

_CONFLICT = 'conflict'


class RequestState:
    """The targets of the ids in one request.

    The id is that of a volume, an attachment or a snapshot.
    """

    def __init__(self) -> None:
        self._targets: dict[str, target.Target] = {}
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

    def remember(self, resource_id: str | None, remote: target.Target) -> None:
        """Remember where a volume or an attachment lives."""
        if not resource_id:
            return
        known = self._targets.setdefault(resource_id, remote)
        if known.service_provider != remote.service_provider:
            self._conflicts.add(resource_id)
        elif not known.project_id:
            self._targets[resource_id] = remote
        elif remote.project_id not in (None, known.project_id):
            self._conflicts.add(resource_id)

    def get(self, resource_id: str) -> target.Target | None:
        """Return the target of a volume or an attachment; None if unknown.

        :raises target.ConflictingTargets: two clouds report the id
        """
        if resource_id in self._conflicts:
            raise target.ConflictingTargets(resource_id=resource_id)
        return self._targets.get(resource_id)

    def get_remote(self, resource_id: str) -> target.Target | None:
        """Return the service provider of an id; None if that is home."""
        known = self.get(resource_id)
        return None if known == target.HOME else known

    def to_dict(self) -> dict[str, str]:
        """For the message bus: names and ids, never a token."""
        foreign = {key: str(known) for key, known in self._targets.items()
                   if known != target.HOME}
        return {**foreign, **dict.fromkeys(self._conflicts, _CONFLICT)}

    def update(self, values: dict[str, str]) -> None:
        """Take over what :meth:`to_dict` of another process told."""
        for key, text in values.items():
            if text == _CONFLICT:
                self._conflicts.add(key)
            else:
                self.remember(key, target.Target.parse(text))


class Registry:
    """The targets of each request that this process works on.

    Nova copies the context of a request often, not always with its
    attributes, but with its request id. An entry lives as long as one of
    the contexts that were given it.
    """

    _ATTRIBUTE = 'mixmatch_targets'

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: weakref.WeakValueDictionary[str, RequestState] = (
            weakref.WeakValueDictionary())

    def from_context(self, context: Any) -> RequestState:
        """The targets of the request that a context belongs to."""
        targets = getattr(context, self._ATTRIBUTE, None)
        if targets is None:
            with self._lock:
                targets = self._requests.setdefault(
                    context.request_id, RequestState())
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
