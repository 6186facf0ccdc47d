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
from urllib import parse
import uuid

from oslo_serialization import jsonutils
from oslo_utils import uuidutils
import webob

from mixmatch import api

MARK, HEADER, ALL, NONE = api.ATTRIBUTE, api.HEADER, api.ALL, api.NONE


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
    def id(self) -> str | None:
        """The id of a volume or snapshot in canonical form."""
        return canonical(self.item)


def from_request(request: webob.Request) -> Route | None:
    """Return the route of a request; None if it concerns only home."""
    match = _PATH.fullmatch(request.path_info)
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


def take_choice(request: webob.Request) -> str:
    """Remove the choice of clouds from the query, and return it.

    :returns: the name of a service provider, :data:`ALL`, :data:`NONE`, or
        an empty string for the configured default
    """
    choice = request.headers.get(HEADER, '')
    if MARK in request.GET:
        choice = request.GET[MARK]
        del request.GET[MARK]
    return choice.strip()


def with_query(request: webob.Request,
               changes: dict[str, str | None]) -> webob.Request:
    """Return a copy of a request with changed query parameters.

    :param changes: by name; None removes a parameter
    """
    pairs = [(name, value) for name, value in request.GET.items()
             if name not in changes]
    pairs += [(name, value) for name, value in changes.items()
              if value is not None]
    copy = request.copy()
    # NOTE: copy.GET would still be that of the original request.
    copy.query_string = parse.urlencode(pairs)
    return copy


def json_body(request: webob.Request) -> dict[str, Any]:
    """Return the JSON object of a request; an empty one if it has none."""
    try:
        found = jsonutils.loads(request.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def microversion(request: webob.Request) -> str:
    """Return the microversion of a request; 3.0 if it names none."""
    header = request.headers.get('OpenStack-API-Version', '')
    match = re.search(r'\bvolume\s+(3\.\d+)', header)
    if match:
        return match[1]
    latest = re.search(r'\bvolume\s+latest\b', header)
    return '3.9999' if latest else '3.0'
