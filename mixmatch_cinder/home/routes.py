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

"""Routes of Cinder's API that concern resources of other clouds."""

import dataclasses
import re
from typing import Any
import uuid

from oslo_utils import uuidutils


@dataclasses.dataclass(frozen=True)
class Kind:
    """A type of resources.

    :param collection: key in the path, and in the body of a list
    :param member: key in the body of one resource
    :param brief: the fields of a row without details; empty if such a row has
        created_at
    """

    collection: str
    member: str
    brief: tuple[str, ...] = ()


VOLUMES = Kind('volumes', 'volume', ('id', 'name', 'links'))
SNAPSHOTS = Kind('snapshots', 'snapshot')
KINDS = {kind.collection: kind for kind in (VOLUMES, SNAPSHOTS)}


@dataclasses.dataclass(frozen=True)
class Resource:
    """A volume or a snapshot.

    :param id: in canonical form
    """

    kind: Kind
    id: str

    @classmethod
    def from_id(cls, kind: Kind, resource_id: Any) -> 'Resource | None':
        """Return the resource with an id; None if it is not a UUID."""
        found = canonical(resource_id)
        return cls(kind, found) if found else None

    def __str__(self) -> str:
        return f'{self.kind.member} {self.id}'

    @property
    def path(self) -> str:
        """Path below an endpoint of Cinder."""
        return f'/{self.kind.collection}/{self.id}'

    @property
    def title(self) -> str:
        """Text for the beginning of a message."""
        return str(self).capitalize()


#: Collections of other resources that are created from a volume: the key of
#: the request body, and its field with the id of the volume.
CREATED_FROM_VOLUME = {'backups': ('backup', 'volume_id'),
                       'attachments': ('attachment', 'volume_uuid'),
                       'volume-transfers': ('transfer', 'volume_id'),
                       'os-volume-transfer': ('transfer', 'volume_id')}

_PATH = re.compile(
    r'(/[^/]+)?/(?P<collection>%s)(/(?P<item>[^/]+)(?P<below>/.+?)?)?/?'
    % '|'.join([*KINDS, *CREATED_FROM_VOLUME]))


@dataclasses.dataclass(frozen=True)
class Route:
    """Parts of the path of a request.

    :param collection: the first segment
    :param item: the second: an id, or a word such as ``detail``
    :param below: the rest, such as ``/metadata``
    """

    collection: str
    item: str
    below: str

    @property
    def kind(self) -> Kind:
        return KINDS[self.collection]

    @property
    def is_listing(self) -> bool:
        return not self.below and self.item in ('', 'detail')

    @property
    def is_summary(self) -> bool:
        return (self.collection, self.item, self.below) == (
            'volumes', 'summary', '')

    @property
    def resource(self) -> Resource | None:
        """The volume or snapshot; None if the route is not about one."""
        if self.collection not in KINDS:
            return None
        return Resource.from_id(self.kind, self.item)


def from_path(path: str) -> Route | None:
    """Return the route of a path; None if it concerns only home."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    return Route(match['collection'], match['item'] or '',
                 match['below'] or '')


def canonical(resource_id: Any) -> str | None:
    """Return the canonical form of an id; None if it is not a UUID."""
    if not isinstance(resource_id, str) or not uuidutils.is_uuid_like(
            resource_id):
        return None
    return str(uuid.UUID(resource_id))
