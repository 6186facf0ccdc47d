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

"""Nova's views of volumes and snapshots, with the cloud that they live in.

The mark that home's Cinder has set is kept in the view until the volume API
has read it. What is wrong with one row of a list is no error of the list.
"""

from collections.abc import Callable
from typing import Any

from oslo_log import log as logging

from mixmatch import api
from mixmatch import exceptions
from mixmatch import patch
from mixmatch_nova import auth
from mixmatch_nova import errors

LOG = logging.getLogger(__name__)

_MODULE = 'nova.volume.cinder'

VOLUME = patch.Symbol(_MODULE, '_untranslate_volume_summary_view',
                      ('context', 'vol'))
SNAPSHOT = patch.Symbol(_MODULE, '_untranslate_snapshot_summary_view',
                        ('context', 'snapshot'))

#: Keys that are added to Nova's view of a resource. One that is malformed has
#: the first one only.
TARGET = 'mixmatch_service_provider'
ENCRYPTED = 'mixmatch_encrypted'
#: It stays, for what decides by the availability zone of home's volumes.
ELSEWHERE = 'mixmatch_elsewhere'

_MALFORMED = (AttributeError, TypeError, ValueError, LookupError)


def _volume_view(original: Callable, context: Any, vol: Any) -> dict:
    view = _view(original, context, vol)
    if getattr(vol, 'encrypted', False) and (
            auth.get_route(context) or TARGET in view):
        view[ENCRYPTED] = True
    return view


def _view(original: Callable, context: Any, resource: Any
            ) -> dict[str, Any]:
    """Return Nova's view of a volume or a snapshot, marked with its cloud.

    A resource of another cloud that is malformed has no more than the mark:
    the next row of a list is not to suffer from it.

    :param original: makes the view
    """
    routed = auth.get_route(context)
    # NOTE: not as an attribute, for which Cinder would be asked.
    marked = None if routed else resource.to_dict().get(api.ATTRIBUTE)
    if routed or marked:
        # NOTE: else what is missing is asked for, for each row.
        resource.set_loaded(True)
    try:
        view = original(context, resource)
    except _MALFORMED as exc:
        if not marked:
            raise
        # NOTE: neither what it sent nor the text of the error.
        LOG.error('Service provider %(sp)s sent a malformed %(kind)s: '
                  '%(error)s', {'sp': marked, 'kind': type(resource).__name__,
                                'error': type(exc).__name__})
        view = {}
    if marked:
        view[TARGET] = marked
    return view


def pop_target(context: Any, view: dict[str, Any]) -> str | None:
    """Take the mark out of a view.

    :raises nova.exception.CinderConnectionFailed: the resource is malformed
    """
    marked = view.pop(TARGET, None)
    if marked and 'id' not in view:
        with errors.for_nova(context):
            raise exceptions.ServiceProviderUnavailable(
                service_provider=marked,
                reason='its Cinder sent a malformed answer')
    return marked


def patches() -> list[patch.Patch]:
    return [patch.Patch(VOLUME, _volume_view), patch.Patch(SNAPSHOT, _view)]
