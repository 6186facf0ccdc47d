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

"""nova.volume.cinder.cinderclient: the one place that makes a client."""

from collections.abc import Callable
import functools
from typing import Any

from cinderclient import exceptions as cinder_exceptions

from mixmatch import api
from mixmatch import federation
from mixmatch import patch
from mixmatch_nova import auth
from mixmatch_nova import errors
from mixmatch_nova import state
from mixmatch_nova import volume_client

CINDERCLIENT = patch.Symbol(
    'nova.volume.cinder', 'cinderclient',
    ('context', 'microversion', 'skip_version_check', 'check_only'))


def _cinderclient(clouds: federation.Federation, original: Callable,
                  context: Any, microversion: str | None = None,
                  skip_version_check: bool = False,
                  check_only: bool = False) -> Any:
    remote = auth.get_route(context)
    if remote is None:
        client = original(context, microversion, skip_version_check,
                          check_only)
        if state.from_context(context).is_this_cloud_only and not check_only:
            client.client.additional_headers[api.HEADER] = api.NONE
        if auth.asks_home(context) and not check_only:
            client.client.additional_headers[api.KNOWN_HEADER] = 'true'
        return client
    with errors.for_nova(context):
        there = clouds.service_provider(remote.service_provider)
        client = volume_client.make(
            there, auth.get_auth(clouds, context, remote),
            microversion=microversion, global_request_id=context.global_id)
    attachments = getattr(client, 'attachments', None)
    if attachments is not None:
        attachments.delete = functools.partial(_delete_attachment,
                                               attachments.delete,
                                               state.from_context(context))
    return client


def _delete_attachment(original: Callable, current: state.RequestState,
                       attachment_id: str) -> Any:
    """Delete an attachment; record "not found", which Nova hides."""
    try:
        return original(attachment_id)
    except cinder_exceptions.NotFound:
        current.record_not_found(attachment_id)
        raise


def patches(clouds: federation.Federation) -> list[patch.Patch]:
    return [patch.Patch(CINDERCLIENT,
                        functools.partial(_cinderclient, clouds))]
