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

"""Say who holds an attachment; users can neither read nor write that.

Each attachment gets a note (see :mod:`mixmatch_cinder.provider.owner_store`) from whoever
makes it: the Nova of another cloud, this cloud's own, or a user. Only those
older than the protection have none, so its absence says nothing in favour of
whoever wants to end one.
"""

from collections.abc import Iterable
from collections.abc import Mapping
import dataclasses
import json
from typing import Any

from cinder import objects

from mixmatch_cinder.provider import owner_store as notes

#: Characters of a note.
_LONGEST = 255


@dataclasses.dataclass(frozen=True)
class Holder:
    """Who made an attachment.

    :param home_id: the domain of the other cloud whose Nova did it; None for
        a user's own doing, and for a service of this cloud
    :param home: the name of that domain then
    :param user_id: for whom
    :param user: the name of that user then
    :param own: whether a service of this cloud did it
    """

    home_id: str | None
    home: str | None
    user_id: str | None
    user: str | None
    own: bool = False

    def __str__(self) -> str:
        nova = 'this cloud for ' if self.own else ''
        if self.home_id:
            nova = f'the Nova of {self.home} (domain {self.home_id}) for '
        return f'{nova}user {self.user} ({self.user_id})'

    def dump(self) -> str:
        """As it is stored; long names are cut, ids never."""
        for length in range(_LONGEST, -1, -1):
            text = json.dumps([self.home_id, (self.home or '')[:length],
                               self.user_id, (self.user or '')[:length],
                               *([True] if self.own else [])])
            if len(text) <= _LONGEST:
                break
        return text

    @classmethod
    def load(cls, text: str) -> 'Holder':
        return cls(*json.loads(text))

    def shown(self) -> dict[str, str | None]:
        """Return what an administrator sees."""
        return {'home_id': self.home_id, 'home': self.home,
                'user_id': self.user_id, 'user': self.user}


def of_volumes(context: Any, volume_ids: Iterable[str]
               ) -> Mapping[str, Mapping[str, Holder]]:
    """Return the holders that are known: by volume, then by attachment.

    A note that cannot be read is none.
    """
    found: dict[str, dict[str, Holder]] = {}
    for volume_id, attachment_id, text in notes.read(context, volume_ids):
        try:
            by = Holder.load(text)
        except (TypeError, ValueError):
            continue
        found.setdefault(volume_id, {})[attachment_id] = by
    return found


def of_volume(context: Any, volume_id: str) -> Mapping[str, Holder]:
    """Return the holders that are known, by the ids of the attachments."""
    return of_volumes(context, [volume_id]).get(volume_id, {})


def note(context: Any, attachment: Any, home_id: str | None) -> Holder:
    """Note who holds an attachment, and forget those that are gone.

    :param context: of the request that attaches
    :param home_id: the domain of the other cloud's Nova; None for a user
    """
    volume_id = attachment.volume_id
    # NOTE: in this order: whatever is in the first and not in the second has
    # been deleted, not just begun.
    known = of_volume(context, volume_id)
    present = {each.id: each for each in
               objects.VolumeAttachmentList.get_all_by_volume_id(
                   context.elevated(), volume_id)} if known else {}
    if known.keys() - present.keys():
        notes.forget(context, volume_id, known.keys() - present.keys())
    holder = _who(context, home_id)
    if home_id and context.user_id == context.service_user_id:
        # Nova moves or shelves a server by itself: still for the same user.
        for other_id, other in known.items():
            if (other.home_id == home_id and other_id in present
                    and present[other_id].instance_uuid
                    == attachment.instance_uuid):
                holder = dataclasses.replace(
                    holder, user_id=other.user_id, user=other.user)
    notes.add(context, volume_id, attachment.id, holder.dump())
    return holder


def note_own(context: Any, attachment: Any) -> None:
    """Note that a service of this cloud holds an attachment."""
    by = dataclasses.replace(_who(context, None), own=True)
    notes.add(context, attachment.volume_id, attachment.id, by.dump())


def is_on_host(context: Any, host: str) -> bool:
    """Return whether another cloud has something connected to a host."""
    for text in notes.on_host(context, host):
        try:
            if Holder.load(text).home_id:
                return True
        except (TypeError, ValueError):
            continue
    return False


def _who(context: Any, home_id: str | None) -> Holder:
    return Holder(home_id,
                  context.service_user_domain_name if home_id else None,
                  context.user_id, context.user_name)
