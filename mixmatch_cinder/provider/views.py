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

"""Administrators see who holds an attachment."""

from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from mixmatch import patch
from mixmatch_cinder.provider import owner as holder

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

#: Where a request keeps the holders of what it lists: one query is enough.
_LISTED = 'mixmatch.holders'

Holders = Mapping[str, holder.Holder]


def patches() -> list[patch.Patch]:
    return [patch.Patch(ATTACHMENT_VIEW, _show_attachment),
            patch.Patch(ATTACHMENTS_VIEW, _show_attachments),
            patch.Patch(VOLUME_VIEW, _show_volume),
            patch.Patch(VOLUMES_VIEW, _show_volumes)]


def _show_attachment(original: Callable, view: Any, attachment: Any,
                     flat: bool = False) -> dict[str, Any]:
    """Return the body of an attachment, for administrators with the holder.

    It is flat in a list, which adds the holders itself.
    """
    body = original(view, attachment, flat)
    context = attachment._context
    if not flat and context is not None and context.is_admin:
        held = holder.of_volume(context, attachment.volume_id)
        _add(body['attachment'], attachment.id, held)
    return body


def _show_attachments(original: Callable, view: Any, attachments: Any,
                      detail: bool = False) -> dict[str, Any]:
    """Return the body of a list of attachments, likewise."""
    body = original(view, attachments, detail)
    context = next((each._context for each in attachments), None)
    if detail and context is not None and context.is_admin:
        held = holder.of_volumes(
            context, {each.volume_id for each in attachments})
        for shown in body['attachments']:
            _add(shown, shown['id'], held.get(shown['volume_id'], {}))
    return body


def _show_volumes(original: Callable, view: Any, request: Any, volumes: Any,
                  *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Return the body of a list of volumes, likewise."""
    context = request.environ['cinder.context']
    if context.is_admin:
        request.environ[_LISTED] = holder.of_volumes(
            context, [each.id for each in volumes if each.volume_attachment])
    return original(view, request, volumes, *args, **kwargs)


def _show_volume(original: Callable, view: Any, request: Any,
                 volume: Any) -> dict[str, Any]:
    """Return the body of a volume, likewise."""
    body = original(view, request, volume)
    attachments = body['volume']['attachments']
    context = request.environ['cinder.context']
    if attachments and context.is_admin:
        listed = request.environ.get(_LISTED)
        held = (holder.of_volume(context, volume.id) if listed is None
                else listed.get(volume.id, {}))
        for each in attachments:
            _add(each, each['attachment_id'], held)
    return body


def _add(shown: dict[str, Any], attachment_id: str, held: Holders) -> None:
    """Add the holder, unless Cinder alone knows it as well."""
    by = held.get(attachment_id)
    if by is not None and not by.own:
        shown[SHOWN] = by.shown()
