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
    """Knowledge of a process about one request: targets, mappings, failures.

    Only the targets cross the message bus. An id is that of a volume, an
    attachment or a snapshot.
    """

    def __init__(self) -> None:
        self._targets: dict[str, target.Target] = {}
        self._conflicts: set[str] = set()
        self._attachment_in_url: tuple[str, str] | None = None
        #: id of a foreign volume or attachment -> (volume id, server id)
        self._bdms: dict[str, tuple[str, str | None]] = {}
        self._compared_server: str | None = None
        self._this_cloud_only = False
        self._changes_nothing = False
        self._snapshots: dict[str, dict[str, Any]] = {}
        self._image_places: dict[str, str] = {}
        self._not_found: set[str] = set()
        self._unanswered: set[str] = set()
        self._failure: exceptions.MixmatchException | None = None

    # Targets

    def remember_target(self, resource_id: str | None,
                        remote: target.Target) -> None:
        """Remember the target of an id.

        :param remote: :data:`mixmatch_nova.target.HOME` for home
        """
        if not resource_id:
            return
        known = self._targets.setdefault(resource_id, remote)
        if known.service_provider != remote.service_provider:
            self._conflicts.add(resource_id)
        elif not known.project_id:
            self._targets[resource_id] = remote
        elif remote.project_id not in (None, known.project_id):
            self._conflicts.add(resource_id)

    def get_target(self, resource_id: str) -> target.Target | None:
        """Return the target of an id, home included; None if unknown.

        :raises mixmatch_nova.target.ConflictingTargets: two clouds report
            the id
        """
        if resource_id in self._conflicts:
            raise target.ConflictingTargets(resource_id=resource_id)
        return self._targets.get(resource_id)

    def get_remote(self, resource_id: str) -> target.Target | None:
        """Return the target of a foreign id; None if it is home or unknown.

        :raises mixmatch_nova.target.ConflictingTargets: two clouds report
            the id
        """
        known = self.get_target(resource_id)
        return None if known == target.HOME else known

    def to_dict(self) -> dict[str, str]:
        """Return the foreign targets for the message bus.

        Names and ids, never a token.
        """
        foreign = {key: str(known) for key, known in self._targets.items()
                   if known != target.HOME}
        return {**foreign, **dict.fromkeys(self._conflicts, _CONFLICT)}

    def update(self, values: dict[str, str]) -> None:
        """Add the result of :meth:`to_dict` of another process."""
        for key, text in values.items():
            if text == _CONFLICT:
                self._conflicts.add(key)
            else:
                self.remember_target(key, target.Target.parse(text))

    # Block device mappings and attachments

    def remember_attachment_in_url(self, server_id: str,
                                   volume_id: str) -> None:
        """Remember an attachment whose mapping has not been loaded yet."""
        self._attachment_in_url = server_id, volume_id

    def pop_server_in_url(self, volume_id: str) -> str | None:
        """Return the server id that the URL has with a volume, only once.

        The first caller loads the mapping.
        """
        server_id, attached = self._attachment_in_url or (None, None)
        if not server_id or attached != volume_id:
            return None
        self._attachment_in_url = None
        return server_id

    def remember_bdm(self, resource_id: str, volume_id: str,
                     server_id: str | None) -> None:
        """Remember the mapping of a foreign volume or attachment.

        :param resource_id: the id of either; a later mapping replaces it
        """
        self._bdms[resource_id] = volume_id, server_id

    def has_bdm(self, resource_id: str) -> bool:
        """Return whether a mapping of a foreign id is known."""
        return resource_id in self._bdms

    def get_volume_id(self, resource_id: str) -> str | None:
        """Return the volume id in the mapping of a foreign id, if known."""
        return self._bdms.get(resource_id, (None, None))[0]

    def get_server_id(self, resource_id: str) -> str | None:
        """Return the server id in the mapping of a foreign id, if known."""
        return self._bdms.get(resource_id, (None, None))[1]

    def compare_server(self, server_id: str | None) -> None:
        """Remember the server whose attachments Nova compares.

        Nova destroys each mapping of it whose attachment is not found.
        """
        self._compared_server = server_id

    def is_compared(self, attachment_id: str) -> bool:
        """Return whether Nova compares the server of an attachment."""
        server_id = self.get_server_id(attachment_id)
        return bool(server_id) and server_id == self._compared_server

    def record_not_found(self, attachment_id: str) -> None:
        """Record that another cloud did not find an attachment to delete.

        Nova takes that for success.
        """
        self._not_found.add(attachment_id)

    def forget_not_found(self, attachment_id: str) -> None:
        """Undo :meth:`record_not_found`, before another delete."""
        self._not_found.discard(attachment_id)

    def was_not_found(self, attachment_id: str) -> bool:
        """Return whether another cloud did not find an attachment."""
        return attachment_id in self._not_found

    def record_unanswered(self, attachment_id: str) -> None:
        """Record that a request about an attachment was not answered."""
        self._unanswered.add(attachment_id)

    def was_unanswered(self, attachment_id: str) -> bool:
        """Return whether a request about an attachment was not answered."""
        return attachment_id in self._unanswered

    # The rest of the request

    def restrict_to_this_cloud(self) -> None:
        """Remember that the user wants no other cloud to be asked."""
        self._this_cloud_only = True

    @property
    def is_this_cloud_only(self) -> bool:
        """Return whether the user wants no other cloud to be asked."""
        return self._this_cloud_only

    def expect_no_change(self) -> None:
        """Remember that the user only looks."""
        self._changes_nothing = True

    @property
    def changes_nothing(self) -> bool:
        """Return whether the user only looks."""
        return self._changes_nothing

    def keep_snapshot(self, snapshot_id: str,
                      snapshot: dict[str, Any]) -> None:
        """Keep a snapshot for the next caller that asks for it."""
        self._snapshots[snapshot_id] = snapshot

    def pop_snapshot(self, snapshot_id: str) -> dict[str, Any] | None:
        """Return a kept snapshot, only once; None if there is none."""
        return self._snapshots.pop(snapshot_id, None)

    def remember_image_place(self, image_id: str, place: str) -> None:
        """Remember where the image of a server is.

        :param place: see :func:`mixmatch_nova.patches.image.place_of`
        """
        self._image_places[image_id] = place

    def get_image_place(self, image_id: str) -> str | None:
        """Return where the image of a server is; None if it is unknown."""
        return self._image_places.get(image_id)

    def record_failure(self, failure: exceptions.MixmatchException) -> None:
        """Record an error for the answer of nova-api; the last one counts."""
        self._failure = failure

    @property
    def failure(self) -> exceptions.MixmatchException | None:
        """The error of mixmatch that was recorded last, if any."""
        return self._failure


class Registry:
    """The states of the requests that this process works on.

    Nova copies the context of a request often, not always with its
    attributes, but with its request id. An entry lives as long as one of
    the contexts that were given it.
    """

    _ATTRIBUTE = 'mixmatch_request_state'

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: weakref.WeakValueDictionary[str, RequestState] = (
            weakref.WeakValueDictionary())

    def from_context(self, context: Any) -> RequestState:
        """Return the state of the request that a context belongs to."""
        found = getattr(context, self._ATTRIBUTE, None)
        if found is None:
            with self._lock:
                found = self._requests.setdefault(
                    context.request_id, RequestState())
            setattr(context, self._ATTRIBUTE, found)
        return found


_REGISTRY = Registry()
from_context = _REGISTRY.from_context

_UNPATCHED = 'mixmatch_sent_by_unpatched'


def is_sender_unpatched(context: Any) -> bool:
    """Return whether a Nova service without the plugin sent a context."""
    return getattr(context, _UNPATCHED, False)


def set_sender_unpatched(context: Any, unpatched: bool) -> None:
    """Remember whether the sender of a context runs the plugin."""
    setattr(context, _UNPATCHED, unpatched)
