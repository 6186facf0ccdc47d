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

"""Routes of Glance's API that concern images of other clouds."""

import dataclasses
import re
from typing import Any

import webob

#: Path of the list of images.
IMAGES = '/v2/images'

_ID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'

#: What comes below an image. Glance has no other routes there.
_BELOW = re.compile(
    '|file|stage|import|locations|tasks|members|members/[^/]+|tags/[^/]+|'
    'actions/deactivate|actions/reactivate')

# NOTE: an id in other letters is another id to Glance, and only home's.
_IMAGE = re.compile(rf'/v2/images/(?P<id>{_ID})(?:/(?P<below>.+))?')
_STORE = re.compile(rf'/v2/stores/[^/]+/(?P<id>{_ID})')


@dataclasses.dataclass(frozen=True)
class Image:
    """An image.

    :param id: a UUID in canonical form
    """

    id: str

    def __str__(self) -> str:
        return f'image {self.id}'

    @property
    def collection(self) -> str:
        """Name of the collection, as in paths."""
        return 'images'

    @property
    def path(self) -> str:
        """Path of the API, at home and elsewhere."""
        return f'/v2/images/{self.id}'

    @property
    def title(self) -> str:
        """Text for the beginning of a message."""
        return str(self).capitalize()


@dataclasses.dataclass(frozen=True)
class Route:
    """Parts of the path of a request.

    :param below: what comes after the image, such as ``file``
    """

    image: Image
    below: str


def path_of(http: webob.Request) -> str:
    """Return the path of a request; empty if it is no text."""
    try:
        return http.path_info
    except UnicodeDecodeError:
        return ''


def from_path(path: str) -> Route | None:
    """Return the route of a path; None if it concerns only home."""
    store = _STORE.fullmatch(path)
    if store:
        return Route(Image(store['id']), 'store')
    found = _IMAGE.fullmatch(path)
    if found is None or not _BELOW.fullmatch(found['below'] or ''):
        return None
    return Route(Image(found['id']), found['below'] or '')


def is_id(image_id: Any) -> bool:
    """Return whether a value is a UUID in canonical form."""
    return isinstance(image_id, str) and (
        re.fullmatch(_ID, image_id) is not None)
