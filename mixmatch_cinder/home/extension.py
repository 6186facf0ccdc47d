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

"""Notification of home's Nova that an attached foreign volume has grown.

The Cinder of a service provider can notify only the Nova of its own cloud.
Home's Cinder has sent the request on; it waits until the volume has its new
size, and then sends home's Nova the event ``volume-extended``, as it does for
volumes of its own. What this misses (a restart meanwhile, an extension that
was requested at the service provider) is done by ``mixmatch-nova extended``.
"""

from collections.abc import Iterable
import threading
import time
from typing import Any

from cinder.compute import nova
from oslo_log import log as logging
import webob

from mixmatch import exceptions
from mixmatch import threads
from mixmatch_cinder.home import remote
from mixmatch_cinder.home import routes
from mixmatch_cinder.home import user_request

LOG = logging.getLogger(__name__)

#: Extensions at one service provider that a process waits for at the same
#: time.
MOST = 16
#: Seconds between two looks at the volume, the last one repeated.
PAUSES = (0.5, 1, 2, 4, 8)
#: Seconds until it is given up.
PATIENCE = 120
#: Servers that a service provider may name for one volume.
SERVERS = 32
#: The first microversion of Nova with the event.
EVENT_MICROVERSION = '2.51'


class Extensions:
    """Waits for extensions of volumes at service providers.

    :param client: asks the service providers
    :param names: of the service providers
    """

    def __init__(self, client: remote.Client, names: Iterable[str]) -> None:
        self._client = client
        # NOTE: those of a slow one do not keep others from being waited for.
        self._free = {name: threading.BoundedSemaphore(MOST)
                      for name in names}

    def after(self, request: user_request.UserRequest,
              resource: routes.Resource, name: str, volume: dict[str, Any],
              response: webob.Response) -> None:
        """Begin to wait if a request extends a volume that is in use.

        :param name: of the service provider
        :param volume: its body before the request was sent on
        :param response: to the request
        """
        # NOTE: Cinder takes the number as a text, too.
        size: Any = request.member('os-extend').get('new_size')
        if (response.status_int != 202 or volume.get('status') != 'in-use'
                or not str(size).isdecimal()):
            return
        if not self._free[name].acquire(blocking=False):
            _give_up(resource, name, f'{MOST} others are waited for')
        elif threads.start(self._run, request, resource, name, int(size),
                           name='mixmatch-extension') is None:
            self._free[name].release()
            _give_up(resource, name, 'no thread can be started')

    def _run(self, request: user_request.UserRequest,
             resource: routes.Resource, name: str, size: int) -> None:
        try:
            servers = self._wait(request, resource, name, size)
            if servers:
                _notify(request.context, resource, servers)
        except exceptions.MixmatchException as exc:
            _give_up(resource, name, exc)
        except Exception as exc:  # noqa: BLE001
            # Only Nova's client can fail here, in any way.
            _give_up(resource, name,
                     f'Nova cannot be notified: {type(exc).__name__}: {exc}')
        finally:
            self._free[name].release()

    def _wait(self, request: user_request.UserRequest,
              resource: routes.Resource, name: str, size: int) -> list[str]:
        """Return the ids of the servers that use the volume.

        :raises MixmatchException: the service provider cannot be asked
        """
        ends = time.monotonic() + PATIENCE
        pauses = iter(PAUSES)
        pause: float = 0
        while time.monotonic() < ends:
            pause = next(pauses, pause)
            time.sleep(pause)
            volume = self._client.send(
                name, request, 'GET', resource.path).body.get('volume')
            if not isinstance(volume, dict):
                return []
            if volume.get('status') == 'extending':
                continue
            if volume.get('size') == size:
                return _servers(volume)
            # It has failed, or is extended once more.
            return []
        _give_up(resource, name, f'it took more than {PATIENCE} s')
        return []


def _servers(volume: dict[str, Any]) -> list[str]:
    """Return the servers in a volume's body, which is not trusted."""
    attachments = volume.get('attachments')
    if not isinstance(attachments, list):
        return []
    found = (routes.canonical(each.get('server_id'))
             for each in attachments if isinstance(each, dict))
    return list(dict.fromkeys(filter(None, found)))[:SERVERS]


def _notify(context: Any, resource: routes.Resource,
            servers: list[str]) -> None:
    """Send the event to home's Nova, by the credentials in [nova].

    Nova ignores it for a server that does not use the volume.
    """
    client = nova.novaclient(context, privileged_user=True,
                             api_version=EVENT_MICROVERSION)
    try:
        client.server_external_events.create([
            {'name': 'volume-extended', 'server_uuid': server,
             'tag': resource.id} for server in servers])
    except nova.API.NotFound:
        LOG.debug('%s is used by no server of this cloud', resource.title)
    else:
        LOG.info('%(resource)s has grown, Nova is notified for %(servers)s',
                 {'resource': resource.title, 'servers': ', '.join(servers)})


def _give_up(resource: routes.Resource, name: str, reason: Any) -> None:
    LOG.warning(
        '%(resource)s at service provider %(sp)s may have grown, and Nova is '
        'not notified: %(reason)s. If a server uses it, run "mixmatch-nova '
        'extended %(id)s".', {'resource': resource.title, 'sp': name,
                              'reason': reason, 'id': resource.id})
