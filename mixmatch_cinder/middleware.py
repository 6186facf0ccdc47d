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

"""The paste filter of home's cinder-api: foreign volumes are found.

A user's tools ask home's Cinder for a volume before they ask Nova to attach
it. What home does not have is looked for at the service providers; the answer
is theirs, marked with the name of the one that has it.
"""

from collections.abc import Callable
import re
from typing import Any
import uuid

from cinder.api.openstack import wsgi
from cinder import exception
from cinder import objects
from oslo_config import cfg
from oslo_log import log as logging
from oslo_utils import uuidutils
import webob
import webob.dec
import webob.exc

from mixmatch import exceptions
from mixmatch import federation
from mixmatch_cinder import locator

LOG = logging.getLogger(__name__)

#: In the body of a volume: the service provider that it lives at. What
#: mixmatch_nova reads.
MARK = 'os-mixmatch:service_provider'

_VOLUME = re.compile(r'(/[^/]+)?/volumes/(?P<volume>[^/]+)/?')


class Volumes:
    """Serves ``GET /volumes/{id}`` of volumes of other clouds.

    :param application: Cinder's API
    :param clouds: the service providers of this process
    """

    def __init__(self, application: Callable,
                 clouds: federation.Federation) -> None:
        self._application = application
        self._clouds = clouds
        self._locator = locator.Locator(clouds)

    @webob.dec.wsgify
    def __call__(self, request: webob.Request) -> Any:
        match = _VOLUME.fullmatch(request.path_info)
        if request.method != 'GET' or match is None:
            return self._application
        response = request.get_response(self._application)
        context = request.environ.get('cinder.context')
        if (response.status_int != 404 or context is None
                or not context.auth_token
                or not uuidutils.is_uuid_like(match['volume'])):
            return response
        volume_id = str(uuid.UUID(match['volume']))
        if _was_ever_at_home(context, volume_id):
            return response
        try:
            volume = self._foreign(request, context, volume_id)
        except exceptions.MixmatchException as exc:
            kind = webob.exc.status_map[exc.code]
            return wsgi.Fault(kind(explanation=str(exc)))
        if volume:
            # NOTE: the headers stay: version of the API, request id.
            response.status_int = 200
            response.json = {'volume': volume}
        return response

    def _foreign(self, request: webob.Request, context: Any,
                 volume_id: str) -> dict[str, Any] | None:
        token_info = request.environ.get('keystone.token_info') or {}
        offered = self._clouds.offered(token_info)
        names = [name for name in self._clouds.names if name in offered]
        if not names:
            return None
        found = self._locator.find(context, names, volume_id,
                                   _microversion(request), token_info)
        if found is None:
            return None
        name, volume = found
        LOG.debug('Volume %(volume)s lives at %(sp)s',
                  {'volume': volume_id, 'sp': name})
        return {**volume, MARK: name}


def _was_ever_at_home(context: Any, volume_id: str) -> bool:
    """Whether the id is one of home's, deleted or another project's.

    No service provider is told of it then, and none can claim it.
    """
    try:
        objects.Volume.get_by_id(context.elevated(read_deleted='yes'),
                                 volume_id)
    except exception.VolumeNotFound:
        return False
    return True


def _microversion(request: webob.Request) -> str:
    """The version that the request asks for; 3.0 if it asks for none."""
    header = request.headers.get('OpenStack-API-Version', '')
    match = re.search(r'\bvolume\s+(3\.\d+)', header)
    if match:
        return match[1]
    latest = re.search(r'\bvolume\s+latest\b', header)
    return '3.9999' if latest else '3.0'


def factory(global_conf: dict[str, str], **local_conf: str
            ) -> Callable[[Callable], Volumes]:
    """The filter factory of paste.deploy."""
    clouds = federation.Federation(cfg.CONF)
    return lambda application: Volumes(application, clouds)
