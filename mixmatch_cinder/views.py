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
from typing import Any

from mixmatch import patch
from mixmatch_cinder import holder

#: In the body of an attachment, by itself or as a part of a volume.
SHOWN = 'os-mixmatch:holder'

ATTACHMENT_VIEW = patch.Symbol(
    'cinder.api.v3.views.attachments', 'ViewBuilder.detail',
    ('cls', 'attachment', 'flat'))
VOLUME_VIEW = patch.Symbol(
    'cinder.api.v3.views.volumes', 'ViewBuilder.detail',
    ('self', 'request', 'volume'))


def patches() -> list[patch.Patch]:
    return [patch.Patch(ATTACHMENT_VIEW, _show_attachment),
            patch.Patch(VOLUME_VIEW, _show_volume)]


def _show_attachment(original: Callable, view: Any, attachment: Any,
                     flat: bool = False) -> dict[str, Any]:
    """The body of an attachment, for administrators with the holder."""
    body = original(view, attachment, flat)
    context = attachment._context
    if context is not None and context.is_admin:
        held = holder.of_volume(context, attachment.volume_id)
        if attachment.id in held:
            inner = body if flat else body['attachment']
            inner[SHOWN] = held[attachment.id].shown()
    return body


def _show_volume(original: Callable, view: Any, request: Any,
                 volume: Any) -> dict[str, Any]:
    """The body of a volume, likewise."""
    body = original(view, request, volume)
    attachments = body['volume']['attachments']
    context = request.environ['cinder.context']
    if attachments and context.is_admin:
        held = holder.of_volume(context, volume.id)
        for each in attachments:
            if each['attachment_id'] in held:
                each[SHOWN] = held[each['attachment_id']].shown()
    return body
