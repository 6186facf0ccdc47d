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

"""Who holds an attachment, where a user can neither read nor write it.

A holder is noted in the volume's admin metadata, under the id of the
attachment: no API writes it there, ``attachment_update`` does not touch it,
and it ends with the volume at the latest.
"""

from collections.abc import Mapping
import dataclasses
import json
from typing import Any

from cinder.db import api as db
from cinder import objects

_KEY = 'mixmatch:'

#: Characters of a value of admin metadata.
_LONGEST = 255


@dataclasses.dataclass(frozen=True)
class Holder:
    """Who made an attachment.

    :param home_id: the domain of the other cloud whose Nova did it; None for
        a user who attached by himself
    :param home: the name of that domain then
    :param user_id: for whom
    :param user: the name of that user then
    """

    home_id: str | None
    home: str | None
    user_id: str | None
    user: str | None

    def __str__(self) -> str:
        nova = (f'the Nova of {self.home} (domain {self.home_id}) for '
                if self.home_id else '')
        return f'{nova}user {self.user} ({self.user_id})'

    def dump(self) -> str:
        """As it is stored; long names are cut, ids never."""
        for length in range(_LONGEST, -1, -1):
            text = json.dumps([self.home_id, (self.home or '')[:length],
                               self.user_id, (self.user or '')[:length]])
            if len(text) <= _LONGEST:
                break
        return text

    @classmethod
    def load(cls, text: str) -> 'Holder':
        return cls(*json.loads(text))

    def shown(self) -> dict[str, str | None]:
        """As an administrator sees it."""
        return dataclasses.asdict(self)


def of_volume(context: Any, volume_id: str) -> Mapping[str, Holder]:
    """The holders that are known, by the ids of the attachments."""
    metadata = db.volume_admin_metadata_get(context.elevated(), volume_id)
    return {key.removeprefix(_KEY): Holder.load(value)
            for key, value in metadata.items() if key.startswith(_KEY)}


def note(context: Any, attachment: Any, home_id: str | None) -> Holder:
    """Note who holds an attachment, and forget those that are gone.

    :param context: of the request that attaches
    :param home_id: the domain of the other cloud's Nova; None for a user
    """
    admin, volume_id = context.elevated(), attachment.volume_id
    # NOTE: in this order: whatever is in the first and not in the second has
    # been deleted, not just begun.
    known = of_volume(context, volume_id)
    present = {each.id: each for each in
               objects.VolumeAttachmentList.get_all_by_volume_id(
                   admin, volume_id)}
    for gone in known.keys() - present.keys():
        db.volume_admin_metadata_delete(admin, volume_id, _KEY + gone)
    holder = _who(context, home_id)
    if home_id and context.user_id == context.service_user_id:
        # Nova moves or shelves a server by itself: still for the same user.
        for other_id, other in known.items():
            if (other.home_id == home_id and other_id in present
                    and present[other_id].instance_uuid
                    == attachment.instance_uuid):
                holder = dataclasses.replace(
                    holder, user_id=other.user_id, user=other.user)
    db.volume_admin_metadata_update(
        admin, volume_id, {_KEY + attachment.id: holder.dump()}, delete=False)
    return holder


def _who(context: Any, home_id: str | None) -> Holder:
    return Holder(home_id,
                  context.service_user_domain_name if home_id else None,
                  context.user_id, context.user_name)
