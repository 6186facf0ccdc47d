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

"""The owner of an attachment in API responses to administrators."""

from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from mixmatch import patch
from mixmatch_cinder.provider import owner

#: In the body of an attachment, by itself or as a part of a volume.
SHOWN = 'os-mixmatch:holder'

ATTACHMENT_VIEW = patch.Symbol(
    'cinder.api.v3.views.attachments', 'ViewBuilder.detail',
    ('cls', 'attachment', 'flat'))
ATTACHMENTS_VIEW = patch.Symbol(
    'cinder.api.v3.views.attachments', 'ViewBuilder.list',
    ('cls', 'attachments', 'detail'))
VOLUME_VIEW = patch.Symbol(
    'cinder.api.v3.views.volumes', 'ViewBuilder.detail',
    ('self', 'request', 'volume'))
VOLUMES_VIEW = patch.Symbol(
    'cinder.api.v3.views.volumes', 'ViewBuilder.detail_list',
    ('self', 'request', 'volumes'))

#: Key of the owners in the environment of a list request: one query for all.
_LISTED = 'mixmatch.owners'

Owners = Mapping[str, owner.Owner]


def patches() -> list[patch.Patch]:
    return [patch.Patch(ATTACHMENT_VIEW, _show_attachment),
            patch.Patch(ATTACHMENTS_VIEW, _show_attachments),
            patch.Patch(VOLUME_VIEW, _show_volume),
            patch.Patch(VOLUMES_VIEW, _show_volumes)]


def _show_attachment(original: Callable, view: Any, attachment: Any,
                     flat: bool = False) -> dict[str, Any]:
    """Return the body of an attachment, with its owner for administrators.

    It is flat in a list, where :func:`_show_attachments` adds the owners.
    """
    body = original(view, attachment, flat)
    context = attachment._context
    if not flat and context is not None and context.is_admin:
        owners = owner.list_for_volume(context, attachment.volume_id)
        _add(body['attachment'], attachment.id, owners)
    return body


def _show_attachments(original: Callable, view: Any, attachments: Any,
                      detail: bool = False) -> dict[str, Any]:
    """Return the body of a list of attachments, with their owners."""
    body = original(view, attachments, detail)
    context = next((each._context for each in attachments), None)
    if detail and context is not None and context.is_admin:
        owners = owner.list_for_volumes(
            context, {each.volume_id for each in attachments})
        for shown in body['attachments']:
            _add(shown, shown['id'], owners.get(shown['volume_id'], {}))
    return body


def _show_volumes(original: Callable, view: Any, request: Any, volumes: Any,
                  *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Return the body of a list of volumes, with owners of attachments."""
    context = request.environ['cinder.context']
    if context.is_admin:
        request.environ[_LISTED] = owner.list_for_volumes(
            context, [each.id for each in volumes if each.volume_attachment])
    return original(view, request, volumes, *args, **kwargs)


def _show_volume(original: Callable, view: Any, request: Any,
                 volume: Any) -> dict[str, Any]:
    """Return the body of a volume, with the owners of its attachments."""
    body = original(view, request, volume)
    attachments = body['volume']['attachments']
    context = request.environ['cinder.context']
    if attachments and context.is_admin:
        listed = request.environ.get(_LISTED)
        owners = (owner.list_for_volume(context, volume.id) if listed is None
                else listed.get(volume.id, {}))
        for each in attachments:
            _add(each, each['attachment_id'], owners)
    return body


def _add(shown: dict[str, Any], attachment_id: str, owners: Owners) -> None:
    """Add the owner, unless it is a service of this cloud."""
    owned_by = owners.get(attachment_id)
    if owned_by is not None and not owned_by.is_own_service:
        shown[SHOWN] = owned_by.shown()
