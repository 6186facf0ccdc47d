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

"""Patch of ``nova.image.glance``: images that their own user does not ask for.

An administrator rescues, rebuilds or moves the server of a user. No service
provider knows that administrator, so home's Glance finds none of their images.
It is then told where a server with this image has it from: Nova keeps the
properties of the image that a server was made of in its ``system_metadata``.
"""

from collections.abc import Callable, Iterator
import contextlib
import copy
import re
from typing import Any

from glanceclient import exc as glance_exceptions
from nova import exception
from nova import objects
from oslo_log import log as logging
from oslo_utils import uuidutils

from mixmatch import api
from mixmatch import patch
from mixmatch_nova import errors
from mixmatch_nova import state

LOG = logging.getLogger(__name__)

_WRAPPER = 'GlanceClientWrapper'
CALL = patch.Symbol('nova.image.glance', f'{_WRAPPER}.call',
                    ('self', 'context', 'version', 'method', 'controller',
                     'args', 'kwargs'))
CALLED = (patch.Symbol('nova.image.glance',
                       f'{_WRAPPER}._create_onetime_client',
                       ('self', 'context', 'version')),)

#: What the filter of home's Glance says of other clouds that do not answer,
#: fail, or contradict each other, in an error of Glance's client.
_SAID = re.compile(r'HTTP (?P<code>409|502|503)\b[^:]*: *'
                   r'(?P<text>.*ervice provider.*)', re.DOTALL)

_READS = frozenset({'get', 'data'})

#: Fields of a server that name an image.
_FIELDS = ('image_ref', 'kernel_id', 'ramdisk_id')

#: How many servers are looked at; those of one project have one place.
_MOST = 20


def place_of(server: Any) -> str | None:
    """Return the place of the images of a server; None for those of home.

    :param server: ``nova.objects.Instance``
    """
    kept = server.system_metadata
    name = kept.get(f'image_{api.ATTRIBUTE}')
    project_id = kept.get(f'image_{api.PROJECT_ATTRIBUTE}')
    return f'{name}/{project_id}' if name and project_id else None


def _call(original: Callable, self: Any, context: Any, version: int,
          method: str, controller: str | None = None, args: Any = None,
          kwargs: Any = None) -> Any:
    def call(wrapper: Any) -> Any:
        return original(wrapper, context, version, method, controller, args,
                        kwargs)
    try:
        with _remember_failure(context, args):
            return call(self)
    except glance_exceptions.HTTPNotFound:
        if (method not in _READS or controller not in (None, 'images')
                or not context.is_admin
                or not uuidutils.is_uuid_like(args[0])):
            raise
        for place in _places(context, args[0]):
            with (contextlib.suppress(glance_exceptions.HTTPNotFound),
                  _remember_failure(context, args)):
                return call(_at(place, self, context, version))
        raise


@contextlib.contextmanager
def _remember_failure(context: Any, args: Any) -> Iterator[None]:
    """Record what home's Glance says of another cloud, and raise it.

    Nova does not expect it, and would answer with an unexpected error (500).
    """
    try:
        yield
    except (glance_exceptions.HTTPException,
            exception.GlanceConnectionFailed) as exc:
        found = _SAID.search(str(exc))
        if found:
            state.from_context(context).record_failure(errors.ImageNotUsable(
                image_id=args[0] if args else '',
                reason=found['text'].rstrip('.'), code=int(found['code'])))
        raise


def _places(context: Any, image_id: str) -> Iterator[str]:
    """Yield the places that servers have an image from, each once."""
    known = state.from_context(context).get_image_place(image_id)
    seen: set[str | None] = {None, known}
    if known:
        yield known
    for field in _FIELDS:
        for server in objects.InstanceList.get_by_filters(
                context, {field: image_id, 'deleted': False}, limit=_MOST,
                expected_attrs=['system_metadata']):
            place = place_of(server)
            if place and place not in seen:
                seen.add(place)
                yield place


def _at(place: str, wrapper: Any, context: Any, version: int) -> Any:
    """Return the wrapper of a client that says where an image is."""
    LOG.info('Home has no such image; its Glance is asked for one at '
             '%(place)s, as a server has it.', {'place': place})
    found = copy.copy(wrapper)
    found.client = found._create_onetime_client(context, version)
    found.client.http_client.additional_headers[api.IMAGE_HEADER] = place
    return found


def patches() -> list[patch.Patch]:
    return [patch.Patch(CALL, _call)]
