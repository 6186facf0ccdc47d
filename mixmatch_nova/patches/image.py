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

from collections.abc import Callable, Iterator, Mapping
import contextlib
import copy
import re
from typing import Any

from glanceclient import exc as glance_exceptions
import nova.conf
from nova import context as nova_context
from nova import exception
from nova import objects
from nova.objects import base as objects_base
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
    is_image = controller in (None, 'images')
    try:
        with _remember_failure(context, args):
            found = call(self)
        if is_image and method == 'get':
            _check_cloud(context, args[0], found)
        return found
    except glance_exceptions.HTTPNotFound:
        if (method not in _READS or not is_image or not context.is_admin
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


def _check_cloud(context: Any, image_id: str, image: Any) -> None:
    """Check in nova-api that servers have an image of one cloud by an id.

    A host keeps the bits of images by their ids. Two service providers may
    have one by the same id, whose users choose it, and a user who sees only
    the second would get, or replace, the bits of the first. Home's Glance
    looks for no id elsewhere that home has had, so one service provider has no
    other to contradict.

    :raises HTTPConflict: a server has it from another cloud, or a cell does
        not answer; deleted ones count until they are archived
    """
    name = image.get(api.ATTRIBUTE) if isinstance(image, Mapping) else None
    if (not name or objects_base.NovaObject.indirection_api
            or context.db_connection is not None
            or len(nova.conf.CONF.mixmatch.service_providers) < 2):
        return
    answers = nova_context.scatter_gather_skip_cell0(
        context.elevated(read_deleted='yes'),
        objects.InstanceList.get_by_filters, {'image_ref': image_id},
        limit=_MOST, expected_attrs=['system_metadata'])
    others: set[str] = set()
    for servers in answers.values():
        if nova_context.is_cell_failure_sentinel(servers):
            others.add('a cell of Nova that does not answer')
            continue
        others.update(
            f'service provider {each}' for each in (
                server.system_metadata.get(f'image_{api.ATTRIBUTE}')
                for server in servers) if each not in (None, name))
    if others:
        reason = (f'service provider {name} has it, but servers have, or may '
                  f'have, one by the same id from {", ".join(sorted(others))},'
                  ' and hosts keep the bits of images by their ids')
        state.from_context(context).record_failure(errors.ImageNotUsable(
            image_id=image_id, reason=reason, code=409))
        raise glance_exceptions.HTTPConflict(reason)


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
