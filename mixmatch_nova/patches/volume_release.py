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

"""nova.volume.cinder.API: the methods that release a volume.

None of it is lost if the other cloud does not answer, nor if it says "not
found" of what it has: one of its servers may not know what the others do.
"""

from collections.abc import Callable
from typing import Any

from cinderclient import exceptions as cinder_exceptions
from nova import exception
from oslo_log import log as logging

from mixmatch_nova import auth
from mixmatch_nova.patches import volume_api
from mixmatch_nova.reconcile import outcome
from mixmatch_nova.reconcile import reconciler
from mixmatch_nova import state
from mixmatch_nova import target

LOG = logging.getLogger(__name__)


class Unanswered(Exception):
    """The request before, of the same attachment, was not answered."""


class Router(volume_api.Router):
    """The wrappers of all methods, with those that release a volume."""

    def begin_detaching(self, original: Callable, api: Any, context: Any,
                        volume_id: str) -> None:
        remote = self._resolve_volume(context, volume_id)
        try:
            with self._reconciled(context, remote, volume_id):
                self._call(original, remote, api, context, volume_id)
        except (exception.NotFound, cinder_exceptions.ClientException
                ) as exc:
            if remote is None or outcome.is_unanswered(exc):
                raise
            # NOTE: nova-api expects InvalidInput only, which is what a Cinder
            # that knows the volume says; all else would be a 500.
            raise exception.InvalidVolume(
                reason=f'service provider {remote.service_provider} does not '
                       f'let volume {volume_id} be detached: '
                       f'{outcome.reason(exc)}') from exc

    def roll_detaching(self, original: Callable, api: Any, context: Any,
                       volume_id: str) -> None:
        remote = self._resolve_volume(context, volume_id)
        try:
            self._call(original, remote, api, context, volume_id)
        except Exception as exc:
            # NOTE: Nova calls this while it handles another error, which is
            # the one that says what has happened.
            if not (remote and (outcome.is_unanswered(exc)
                                or isinstance(exc, exception.NotFound))
                    and self._reconcile_later(exc, context, remote,
                                              volume_id)):
                raise

    def attachment_delete(self, original: Callable, api: Any, context: Any,
                          attachment_id: str) -> None:
        """Delete an attachment, now or later.

        The server does not use the volume any more, or never did. Nova goes
        on as if it were deleted, so that no mapping and no server that is
        deleted has to wait for the other cloud. That an attachment is not
        found is believed if the volume, which is found, has none such.
        """
        remote = self._get_remote(context, attachment_id)
        current = state.from_context(context)
        if remote and current.was_unanswered(attachment_id) and (
                self._reconcile_later(Unanswered(), context, remote,
                                      attachment_id=attachment_id,
                                      delete=True)):
            # NOTE: a request waits for an unanswered attachment only once.
            return
        current.forget_not_found(attachment_id)
        try:
            self._call(original, remote, api, context, attachment_id)
            if remote and current.was_not_found(
                    attachment_id) and not self._is_gone(
                        context, remote, attachment_id):
                self._reconcile_later(exception.VolumeAttachmentNotFound(
                    attachment_id=attachment_id), context, remote,
                    attachment_id=attachment_id, delete=True)
        except Exception as exc:
            if not (remote and outcome.is_unanswered(exc)
                    and self._reconcile_later(
                        exc, context, remote, attachment_id=attachment_id,
                        delete=True)):
                raise

    def _is_gone(self, context: Any, remote: target.Target,
                 attachment_id: str) -> bool:
        volume_id = state.from_context(context).get_volume_id(attachment_id)
        try:
            return volume_id is not None and reconciler.is_gone(
                auth.client_for(self._clouds, remote, context.global_id),
                volume_id, attachment_id)
        except Exception as exc:  # noqa: BLE001 - then it is not known
            LOG.warning('Service provider %(sp)s says that it has no '
                        'attachment %(attachment)s; that cannot be verified: '
                        '%(reason)s', {
                            'sp': remote.service_provider,
                            'attachment': attachment_id,
                            'reason': outcome.reason(exc)})
            return False
