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

"""Marks of images of other clouds, which no image of home has.

Nova and people take an image with it for one of another cloud.
"""

from collections.abc import Callable
from typing import Any

from glance.common import wsgi
from oslo_log import log as logging
from oslo_serialization import jsonutils
import webob
import webob.dec
import webob.exc

from mixmatch_glance import database
from mixmatch_glance import routes

LOG = logging.getLogger(__name__)

_PREFIX = 'os-mixmatch'


class Unmarked:
    """Home's Glance, whose images have no such property.

    ======================= =================================================
    Request                 What is done
    ======================= =================================================
    ``POST /v2/images``     The property is dropped. Nova and Cinder name all
                            properties of the image that a server or a volume
                            is made of when they make an image of it, and such
                            an image is home's. So another property chooses
                            the cloud of a new image, which does not come
                            here (:mod:`mixmatch_glance.creation`).
                            An ``id`` that a user chooses is refused: a
                            service provider may have an image by it, which
                            this one would replace for everybody here.
    ``PATCH`` of an image   Refused, if it sets the property.
    Any that shows images   The property is not shown: it may be older than
                            this filter.
    ======================= =================================================

    :param application: Glance's API
    :param chosen_ids: whether users choose the ids of new images
    """

    def __init__(self, application: Callable, chosen_ids: bool) -> None:
        self._application = application
        self._chosen_ids = chosen_ids

    @webob.dec.wsgify
    def __call__(self, http: webob.Request) -> Any:
        image_id = _image_id(http)
        if image_id is None:
            return self._application
        if http.method == 'POST' and not image_id:
            if not self._chosen_ids and _chooses_id(http):
                return webob.exc.HTTPForbidden(explanation=(
                    'The id of a new image cannot be chosen in this cloud: '
                    'another cloud may have an image by it. Leave it out, or '
                    'ask the administrator.'))
            _drop(http)
        elif (http.method == 'PATCH' and changes(read_body(http))
                # NOTE: an image of another cloud is not home's matter.
                and database.ever_had([image_id])):
            return webob.exc.HTTPForbidden(explanation=(
                f'Properties {_PREFIX}:... are reserved: they say that an '
                'image lives at another cloud.'))
        return _without(http.get_response(self._application))


def changes(body: bytes) -> bool:
    """Return whether a patch changes a property of mixmatch."""
    found = read_json(body)
    return isinstance(found, list) and any(
        _is_marked(value) for change in found if isinstance(change, dict)
        for key, value in change.items() if key != 'value')


def _is_marked(pointer: Any) -> bool:
    """Return whether a JSON pointer leads to it, as Glance reads it."""
    return isinstance(pointer, str) and pointer.lstrip('/').replace(
        '~1', '/').replace('~0', '~').strip().startswith(_PREFIX)


def _image_id(http: webob.Request) -> str | None:
    """Return the id in a path; empty for the list, None for all others."""
    path = routes.path_of(http)
    if path == routes.IMAGES:
        return ''
    before, _, image_id = path.rpartition('/')
    return image_id if before == routes.IMAGES and image_id else None


def read_body(http: webob.Request) -> bytes:
    """Return the body of a request, which Glance can still read."""
    if http.headers.get('Transfer-Encoding'):
        # NOTE: as Glance does, also where uWSGI gives chunks only once.
        chunked = wsgi.Request(http.environ)
        chunked.is_body_readable = True
        body = chunked.body
        del http.headers['Transfer-Encoding']
        http.body = body
    return http.body


def _chooses_id(http: webob.Request) -> bool:
    """Return whether a user, and no administrator, chooses the id."""
    context = getattr(http, 'context', None)
    if context is None or context.is_admin:
        return False
    found = read_json(read_body(http))
    return isinstance(found, dict) and 'id' in found


def _drop(http: webob.Request) -> None:
    """Drop the property from the image that is to be made."""
    found = read_json(read_body(http))
    if isinstance(found, dict) and _has(found):
        LOG.info('A new image of this cloud does not get the properties '
                 '%s:...: they say that an image lives at another cloud',
                 _PREFIX)
        http.body = jsonutils.dump_as_bytes(without(found))


def _without(response: webob.Response) -> webob.Response:
    """Return a response of home without the property."""
    if (response.content_type != 'application/json'
            or _PREFIX.encode() not in response.body):
        return response
    found = read_json(response.body)
    if not isinstance(found, dict):
        return response
    found = without(found)
    if isinstance(found.get('images'), list):
        found['images'] = [without(each) for each in found['images']]
    response.json = found
    return response


def _has(image: dict[str, Any]) -> bool:
    return any(key.startswith(_PREFIX) for key in image)


def without(image: dict[str, Any]) -> dict[str, Any]:
    """Return an image without properties of mixmatch."""
    return {key: value for key, value in image.items()
            if not key.startswith(_PREFIX)}


def read_json(body: bytes) -> Any:
    """Parse JSON as Glance does; None if it is none."""
    try:
        return jsonutils.loads(body)
    except ValueError:
        return None
