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

"""nova.volume.cinder.API: each call goes to the cloud its volume lives in.

A method is told only an id. Its target is looked up in what the request
knows and rides on a copy of the context to the function that makes the
client (see :mod:`mixmatch_nova.patches.cinderclient`).

Of a request that changes something and is not answered, what has to follow is
pending (see :mod:`mixmatch_nova.reconcile.reconciler`).
"""

from collections.abc import Callable, Iterator
import contextlib
import functools
import inspect
from typing import Any

from cinderclient import exceptions as cinder_exceptions
from keystoneauth1 import exceptions as ksa_exceptions
from nova import exception
from nova import objects
from nova.volume import cinder
from oslo_log import log as logging

from mixmatch import exceptions
from mixmatch import federation
from mixmatch import patch
from mixmatch_nova import auth
from mixmatch_nova import connection
from mixmatch_nova import errors
from mixmatch_nova.patches import volume_view
from mixmatch_nova.reconcile import outcome
from mixmatch_nova.reconcile import pending
from mixmatch_nova import state
from mixmatch_nova import target

LOG = logging.getLogger(__name__)

_MODULE = 'nova.volume.cinder'

#: Methods by what their first argument after the context is.
BY_VOLUME = ('get', 'reserve_volume', 'unreserve_volume', 'begin_detaching',
             'roll_detaching', 'attach', 'detach', 'terminate_connection',
             'delete', 'attachment_create',
             'get_volume_encryption_metadata')
BY_ATTACHMENT = ('attachment_get', 'attachment_update', 'attachment_delete',
                 'attachment_complete')
#: What Nova cannot do with a volume that lives elsewhere: home would take the
#: result for its own, or an image is needed that is only at one of the two.
REFUSED = {'create_snapshot': 'take a snapshot of',
           'create_snapshot_force': 'take a snapshot of',
           'reimage_volume': 'rebuild a server on',
           'initialize_connection': 'connect, without an attachment, to',
           'update': 'change'}
#: Those of them that a user may request by an id alone.
FROM_USERS = ('create_snapshot', 'create_snapshot_force')
BY_SNAPSHOT = ('get_snapshot', 'create')  #: see volume_sources
#: They have no id of a volume, or home's Cinder has them called.
HOME_ONLY = ('update_snapshot_status',
             'get_absolute_limits', 'get_all_volume_types',
             'attachment_get_all', 'check_attached',
             'migrate_volume_completion')
#: Home's Cinder may have to ask other clouds for it.
OF_ALL_CLOUDS = {'get_all': ('self', 'context'),
                 'get_all_snapshots': ('self', 'context'),
                 'delete_snapshot': ('self', 'ctx', 'snapshot_id')}
#: It tells what Nova is about to do.
ATTACHMENTS = patch.Symbol(_MODULE, 'API.attachment_get_all',
                           ('self', 'context', 'instance_id'))

CHECK_AZ = patch.Symbol(_MODULE, 'API.check_availability_zone',
                        ('self', 'context', 'volume'))

def _symbol(name: str) -> patch.Symbol:
    first = {'get_volume_encryption_metadata': 'context'}.get(name, 'ctx')
    second = ('attachment_id' if name in BY_ATTACHMENT else
              'res_id' if name.startswith('create_snapshot') else
              'volume_id')
    return patch.Symbol(_MODULE, f'API.{name}', ('self', first, second))


def check_all_known() -> None:
    """Check that no method of Nova's volume API is news to this module.

    :raises mixmatch.patch.DoesNotFit: one is; it might ask home for a
        foreign volume
    """
    known = {*BY_VOLUME, *BY_ATTACHMENT, *BY_SNAPSHOT, *REFUSED, *HOME_ONLY,
             *OF_ALL_CLOUDS, CHECK_AZ.attribute}
    found = {name for name, _ in inspect.getmembers(
        cinder.API, inspect.isfunction) if not name.startswith('_')}
    if found - known:
        raise patch.DoesNotFit(
            f'{_MODULE}.API has new methods: {sorted(found - known)}')


class Router:
    """The wrappers of the volume API's methods.

    :param clouds: the service providers of this process
    :param pending: the queue of this process
    """

    def __init__(self, clouds: federation.Federation,
                 pending: pending.Queue) -> None:
        self._clouds = clouds
        self._pending = pending

    def by_volume(self, original: Callable, api: Any, context: Any,
                  volume_id: str, *args: Any, **kwargs: Any) -> Any:
        remote = self._resolve_volume(context, volume_id)
        return self._call(original, remote, api, context, volume_id,
                          *args, **kwargs)

    def attachment_create(self, original: Callable, api: Any, context: Any,
                          volume_id: str, instance_id: str, *args: Any,
                          **kwargs: Any) -> Any:
        remote = self._resolve_volume(context, volume_id)
        with self._reconciled(context, remote, volume_id, instance_id):
            attachment = self._call(original, remote, api, context, volume_id,
                                    instance_id, *args, **kwargs)
        attachment_id = attachment['id']
        current = state.from_context(context)
        current.remember_target(attachment_id, remote or target.HOME)
        if remote:
            current.remember_bdm(attachment_id, volume_id, instance_id)
        try:
            self._check_connection(context, remote, attachment)
        except exception.NovaException as exc:
            # NOTE: Nova never hears of this attachment.
            if remote:
                self._reconcile_later(exc, context, remote, volume_id,
                                      instance_id, attachment_id, delete=True)
            raise
        return attachment

    def get(self, original: Callable, api: Any, context: Any,
            volume_id: str, *args: Any, **kwargs: Any) -> Any:
        remote = self._resolve_volume(context, volume_id)
        if remote and remote.project_id is None and context.auth_token:
            self._check_not_at_home(original, api, context, remote, volume_id)
            remote = self._enter(context, remote, volume_id)
        with errors.translate_unlocated(context, volume_id,
                                        errors.NotLocated):
            volume = self._call(original, remote, api, context, volume_id,
                                *args, **kwargs)
        marked = volume_view.pop_target(context, volume)
        if volume.pop(volume_view.ENCRYPTED, False) and not state.from_context(
                context).changes_nothing:
            with errors.for_nova(context):
                raise errors.EncryptedVolume(volume_id=volume['id'])
        if remote and volume['id'] != volume_id:
            with errors.for_nova(context):
                raise exceptions.ServiceProviderUnavailable(
                    service_provider=remote.service_provider,
                    reason='its Cinder answered with another volume')
        if remote is None and marked:
            # NOTE: log in now, while nothing is reserved anywhere.
            with errors.for_nova(context):
                remote = auth.enter(self._clouds, context, marked)
        if remote:
            volume[volume_view.ELSEWHERE] = True
        # NOTE: Nova goes on with the id as the answer writes it.
        for resource_id in {volume_id, volume['id']}:
            state.from_context(context).remember_target(
                resource_id, remote or target.HOME)
        return volume

    @staticmethod
    def _check_not_at_home(original: Callable, api: Any, context: Any,
                           remote: target.Target, volume_id: str) -> None:
        """Refuse an id of home for which a user named another cloud.

        Two volumes with one id cannot both be attached here, and whoever
        makes ids at the other cloud would decide which of them can.
        """
        try:
            with errors.translate_home_away(context, volume_id):
                original(api, auth.asking_home(context), volume_id)
        except (exception.VolumeNotFound, ksa_exceptions.CatalogException):
            # NOTE: a home without a Cinder has no volumes either.
            return
        except cinder_exceptions.ClientException as exc:
            if exc.code != 409:
                raise
        with errors.for_nova(context):
            raise errors.AlsoAtHome(volume_id=volume_id,
                                    service_provider=remote.service_provider)

    def get_all(self, original: Callable, api: Any, context: Any,
                *args: Any, **kwargs: Any) -> list[dict[str, Any]]:
        """List what home's Cinder lists, without rows that are malformed."""
        rows = self.of_all_clouds(original, api, context, *args, **kwargs)
        return [row for row in rows if 'id' in row]

    def _enter(self, context: Any, remote: target.Target,
               volume_id: str) -> target.Target:
        """Log in at a cloud that a user named, before a volume is reserved."""
        with errors.for_nova(context):
            try:
                return auth.enter(self._clouds, context,
                                  remote.service_provider)
            except exceptions.LoginRefused as exc:
                # NOTE: a user without a project there learns of no volume.
                LOG.info('Volume %(volume)s cannot be used: %(reason)s',
                         {'volume': volume_id, 'reason': exc})
                raise exception.VolumeNotFound(volume_id=volume_id) from exc

    def attachment_get_all(self, original: Callable, api: Any, context: Any,
                           instance_id: str | None = None, *args: Any,
                           **kwargs: Any) -> Any:
        """List attachments, which Nova does before a reboot only.

        It goes on to destroy the mappings whose attachment is not found.
        """
        state.from_context(context).compare_server(instance_id)
        return original(api, context, instance_id, *args, **kwargs)

    def attachment_get(self, original: Callable, api: Any, context: Any,
                       attachment_id: str) -> Any:
        remote = self._get_remote(context, attachment_id)
        current = state.from_context(context)
        if not (remote and current.is_compared(attachment_id)):
            return self.by_attachment(original, api, context, attachment_id)
        try:
            return self._call(original, remote, api, context, attachment_id)
        except exception.VolumeAttachmentNotFound:
            LOG.error(
                'Service provider %(sp)s says that it has no attachment '
                '%(attachment)s, which server %(server)s uses. The server '
                'keeps the disk; the volume may be given to another server. '
                '"mixmatch-nova check" shows what is wrong.',
                {'sp': remote.service_provider, 'attachment': attachment_id,
                 'server': current.get_server_id(attachment_id)})
        except (exception.NovaException,
                cinder_exceptions.ClientException) as exc:
            # NOTE: an outage of another cloud blocks no reboot here.
            LOG.warning('Attachment %(attachment)s cannot be compared with '
                        'that at %(sp)s: %(reason)s',
                        {'attachment': attachment_id,
                         'sp': remote.service_provider,
                         'reason': outcome.reason(exc)})
        return {'id': attachment_id}

    def by_attachment(self, original: Callable, api: Any, context: Any,
                      attachment_id: str, *args: Any, **kwargs: Any) -> Any:
        remote = self._get_remote(context, attachment_id)
        attachment = self._call(original, remote, api, context, attachment_id,
                                *args, **kwargs)
        self._check_connection(context, remote, attachment)
        return attachment

    def change_attachment(self, original: Callable, api: Any, context: Any,
                          attachment_id: str, *args: Any,
                          **kwargs: Any) -> Any:
        remote = self._get_remote(context, attachment_id)
        with self._reconciled(context, remote, attachment_id=attachment_id):
            attachment = self._call(original, remote, api, context,
                                    attachment_id, *args, **kwargs)
        self._check_connection(context, remote, attachment)
        return attachment

    def refuse(self, name: str, original: Callable, api: Any, context: Any,
               volume_id: str, *args: Any, **kwargs: Any) -> Any:
        if name in FROM_USERS and not state.from_context(context).get_target(
                volume_id):
            # NOTE: home's Cinder would take this process for one that does
            # not know other clouds.
            with contextlib.suppress(exception.VolumeNotFound):
                api.get(context, volume_id)
        remote = self._resolve_volume(context, volume_id)
        if remote:
            with errors.for_nova(context):
                raise errors.LivesElsewhere(
                    volume_id=volume_id, action=REFUSED[name],
                    service_provider=remote.service_provider)
        with errors.translate_unlocated(context, volume_id):
            return original(api, context, volume_id, *args, **kwargs)

    def delete(self, original: Callable, api: Any, context: Any,
               volume_id: str, *args: Any, **kwargs: Any) -> Any:
        with errors.translate_unlocated(context, volume_id):
            return self.by_volume(original, api, context, volume_id, *args,
                                  **kwargs)

    def of_all_clouds(self, original: Callable, api: Any, context: Any,
                      *args: Any, **kwargs: Any) -> Any:
        with errors.translate_unlocated(context, None):
            return original(api, context, *args, **kwargs)

    def check_availability_zone(self, original: Callable, api: Any,
                                context: Any, volume: dict, *args: Any,
                                **kwargs: Any) -> None:
        # NOTE: availability zones of two clouds have nothing in common.
        if not self._get_remote(context, volume['id']):
            original(api, context, volume, *args, **kwargs)

    @contextlib.contextmanager
    def _reconciled(self, context: Any, remote: target.Target | None,
                    volume_id: str | None = None,
                    server_id: str | None = None,
                    attachment_id: str | None = None) -> Iterator[None]:
        """Have what may have been done found and undone."""
        try:
            yield
        except Exception as exc:
            if remote and outcome.may_have_succeeded(exc):
                if attachment_id:
                    state.from_context(context).record_unanswered(
                        attachment_id)
                self._reconcile_later(exc, context, remote, volume_id,
                                      server_id, attachment_id)
            raise

    def _reconcile_later(self, exc: BaseException, context: Any,
                         remote: target.Target, volume_id: str | None = None,
                         server_id: str | None = None,
                         attachment_id: str | None = None,
                         delete: bool = False) -> bool:
        current = state.from_context(context)
        known = attachment_id or volume_id or ''
        return self._pending.add(
            context, target.Subject(
                remote, volume_id or current.get_volume_id(known),
                server_id or current.get_server_id(known)),
            exc, attachment_id if delete else None)

    def _resolve_volume(self, context: Any,
                        volume_id: str) -> target.Target | None:
        server_id = state.from_context(context).pop_server_in_url(volume_id)
        if server_id:
            self._load_bdm(context, server_id, volume_id)
        return self._get_remote(context, volume_id)

    def _get_remote(self, context: Any, resource_id: str
                 ) -> target.Target | None:
        with errors.for_nova(context):
            return state.from_context(context).get_remote(resource_id)

    def _check_connection(self, context: Any, remote: target.Target | None,
                          attachment: dict[str, Any] | None) -> None:
        if remote and attachment:
            with errors.for_nova(context):
                connection.check(
                    self._clouds.service_provider(remote.service_provider),
                    attachment.get('connection_info') or {})

    @staticmethod
    def _load_bdm(context: Any, server_id: str, volume_id: str) -> None:
        # Detach asks for the volume before it reads the mapping.
        with contextlib.suppress(exception.VolumeBDMNotFound):
            objects.BlockDeviceMapping.get_by_volume_and_instance(
                context, volume_id, server_id)

    @staticmethod
    def _call(original: Callable, remote: target.Target | None, api: Any,
              context: Any, *args: Any, **kwargs: Any) -> Any:
        if remote is None:
            return original(api, context, *args, **kwargs)
        with errors.for_nova(context), errors.remember_failure(
                context, remote.service_provider):
            return original(api, auth.routed(context, remote), *args,
                            **kwargs)


def patches(router: Router) -> list[patch.Patch]:
    """The patches of Nova's volume API.

    :param router: with the methods that are named below
    """
    check_all_known()
    own = {name: getattr(router, name) for name in (
        'get', 'delete', 'attachment_create', 'begin_detaching',
        'roll_detaching', 'attachment_delete', 'attachment_get')}
    wrappers: dict[str, patch.Wrapper] = {
        **dict.fromkeys(BY_VOLUME, router.by_volume),
        **dict.fromkeys(BY_ATTACHMENT, router.by_attachment),
        **{name: functools.partial(router.refuse, name) for name in REFUSED},
        **dict.fromkeys(('attachment_update', 'attachment_complete'),
                        router.change_attachment),
        **own}
    return [patch.Patch(CHECK_AZ, router.check_availability_zone),
            patch.Patch(ATTACHMENTS, router.attachment_get_all),
            *(patch.Patch(patch.Symbol(_MODULE, f'API.{name}', parameters),
                          router.of_all_clouds if name == 'delete_snapshot'
                          else router.get_all)
              for name, parameters in OF_ALL_CLOUDS.items()),
            *(patch.Patch(_symbol(name), wrapper)
              for name, wrapper in wrappers.items())]
