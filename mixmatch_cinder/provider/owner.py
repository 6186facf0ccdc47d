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

"""The owner of an attachment, which users can neither read nor write.

The owner of each attachment is recorded when it is created: the Nova of
another cloud, a service of this cloud, or a user (see
:mod:`mixmatch_cinder.provider.owner_store`). Only attachments that are older
than the protection have no record, so a missing record must never allow
anything.
"""

from collections.abc import Iterable
from collections.abc import Mapping
import dataclasses
import json
from typing import Any

from cinder import objects

from mixmatch_cinder.provider import owner_store

#: Characters of a record.
_MAX_LENGTH = 255


@dataclasses.dataclass(frozen=True)
class Owner:
    """The creator of an attachment.

    :param home_id: the domain of the other cloud whose Nova created it; None
        for a user, and for a service of this cloud
    :param home: the name of that domain at that time
    :param user_id: the user that it was created for
    :param user: the name of that user at that time
    :param is_own_service: whether a service of this cloud created it
    """

    home_id: str | None
    home: str | None
    user_id: str | None
    user: str | None
    is_own_service: bool = False

    def __str__(self) -> str:
        nova = 'this cloud for ' if self.is_own_service else ''
        if self.home_id:
            nova = f'the Nova of {self.home} (domain {self.home_id}) for '
        return f'{nova}user {self.user} ({self.user_id})'

    def dump(self) -> str:
        """Serialize; long names are cut, ids never."""
        for length in range(_MAX_LENGTH, -1, -1):
            text = json.dumps([self.home_id, (self.home or '')[:length],
                               self.user_id, (self.user or '')[:length],
                               *([True] if self.is_own_service else [])])
            if len(text) <= _MAX_LENGTH:
                break
        return text

    @classmethod
    def load(cls, text: str) -> 'Owner':
        """Deserialize.

        :raises TypeError, ValueError: the text is not a serialized owner
        """
        return cls(*json.loads(text))

    def shown(self) -> dict[str, str | None]:
        """Return the fields that administrators see."""
        return {'home_id': self.home_id, 'home': self.home,
                'user_id': self.user_id, 'user': self.user}


def list_for_volumes(context: Any, volume_ids: Iterable[str]
                     ) -> Mapping[str, Mapping[str, Owner]]:
    """Return the known owners by volume, then by attachment.

    Records that cannot be read are ignored.
    """
    found: dict[str, dict[str, Owner]] = {}
    for volume_id, attachment_id, text in owner_store.read(
            context, volume_ids):
        try:
            owned_by = Owner.load(text)
        except (TypeError, ValueError):
            continue
        found.setdefault(volume_id, {})[attachment_id] = owned_by
    return found


def list_for_volume(context: Any, volume_id: str) -> Mapping[str, Owner]:
    """Return the known owners of a volume by attachment."""
    return list_for_volumes(context, [volume_id]).get(volume_id, {})


def record(context: Any, attachment: Any, home_id: str | None) -> Owner:
    """Record the owner of an attachment, and delete obsolete records.

    :param context: of the request that attaches
    :param home_id: the domain of the other cloud's Nova; None for a user
    """
    volume_id = attachment.volume_id
    # NOTE: read in this order: an attachment with a record that is not among
    # those present has been deleted, and is not one that is being created.
    known = list_for_volume(context, volume_id)
    present = {each.id: each for each in
               objects.VolumeAttachmentList.get_all_by_volume_id(
                   context.elevated(), volume_id)} if known else {}
    if known.keys() - present.keys():
        owner_store.delete(context, volume_id, known.keys() - present.keys())
    owned_by = _owner(context, home_id)
    if home_id and context.user_id == context.service_user_id:
        # Nova moves or shelves a server without a user: keep the user.
        for other_id, other in known.items():
            if (other.home_id == home_id and other_id in present
                    and present[other_id].instance_uuid
                    == attachment.instance_uuid):
                owned_by = dataclasses.replace(
                    owned_by, user_id=other.user_id, user=other.user)
    owner_store.add(context, volume_id, attachment.id, owned_by.dump())
    return owned_by


def record_own_service(context: Any, attachment: Any) -> None:
    """Record a service of this cloud as the owner of an attachment."""
    owned_by = dataclasses.replace(_owner(context, None),
                                   is_own_service=True)
    owner_store.add(context, attachment.volume_id, attachment.id,
                    owned_by.dump())


def is_of_another_cloud(owned_by: Owner | None, home_id: str | None) -> bool:
    """Return True if the owner is known to be the Nova of another cloud.

    :param home_id: the domain of the cloud whose Nova asks; None for others
    """
    return owned_by is not None and owned_by.home_id not in (None, home_id)


def another_cloud_uses_host(context: Any, host: str) -> bool:
    """Return True if another cloud has a volume connected to a host."""
    for text in owner_store.on_host(context, host):
        try:
            if Owner.load(text).home_id:
                return True
        except (TypeError, ValueError):
            continue
    return False


def _owner(context: Any, home_id: str | None) -> Owner:
    return Owner(home_id,
                 context.service_user_domain_name if home_id else None,
                 context.user_id, context.user_name)
