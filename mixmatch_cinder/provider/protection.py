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

"""At a service provider: what another cloud's Nova holds stays attached.

Cinder asks the Nova of its own cloud whether an attachment is in use
(CVE-2023-2088). That does not know the servers of other clouds, so Cinder
would let anybody delete their attachments. Here each attachment has a holder
(see :mod:`mixmatch_cinder.provider.owner`), and only its service token may touch it.
Who proves nothing is a user, and what has no note may be anybody's.

The checks are inside of cinder-api, where all ways to an attachment meet, and
not in front of it: what a path or a body means is for Cinder to say. ::

    [filter:mixmatch_protection]
    use = egg:mixmatch#cinder_protection
"""

from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from cinder import exception
from cinder import objects
from cinder.policies import attachments as attachment_policy
from cinder.policies import volume_actions as action_policy
from cinder.policies import volumes as volume_policy
from keystoneauth1 import exceptions as ksa_exceptions
from novaclient import exceptions as nova_exceptions
from oslo_config import cfg
from oslo_log import log as logging

from mixmatch import patch
from mixmatch_cinder.provider import attachments
from mixmatch_cinder.provider import conf as options
from mixmatch_cinder.provider import connections
from mixmatch_cinder.provider import owner as holder
from mixmatch_cinder.provider import owner_store as notes
from mixmatch_cinder.provider import exceptions as refusals
from mixmatch_cinder.provider import requester
from mixmatch_cinder.provider import views

LOG = logging.getLogger(__name__)

_ADMIN_ACTION = 'volume_extension:volume_admin_actions:'
_RESET = _ADMIN_ACTION + 'reset_status'
#: The policies of what ends an attachment: one that is only reserved may go.
_ENDS = frozenset({
    attachment_policy.DELETE_POLICY, action_policy.DETACH_POLICY,
    _ADMIN_ACTION + 'force_detach'})
#: And of what changes one, its connections, or what is behind it.
_CHANGES = frozenset({
    attachment_policy.UPDATE_POLICY, attachment_policy.COMPLETE_POLICY,
    action_policy.ATTACH_POLICY, action_policy.INITIALIZE_POLICY,
    action_policy.TERMINATE_POLICY, action_policy.REIMAGE_POLICY,
    action_policy.REIMAGE_RESERVED_POLICY,
    volume_policy.FORCE_DELETE_POLICY, _ADMIN_ACTION + 'force_delete',
    _ADMIN_ACTION + 'migrate_volume_completion',
})
GUARDED = _ENDS | _CHANGES | {_RESET}

AUTHORIZE = patch.Symbol(
    'cinder.context', 'RequestContext.authorize',
    ('self', 'action', 'target', 'target_obj', 'fatal'))
RESERVE = patch.Symbol(
    'cinder.volume.api', 'API._attachment_reserve',
    ('self', 'ctxt', 'vref', 'instance_uuid'))
DELETION_ALLOWED = patch.Symbol(
    'cinder.volume.api', 'API.attachment_deletion_allowed',
    ('self', 'ctxt', 'attachment_or_attachment_id', 'volume'))
ATTACHED = patch.Symbol(
    'cinder.volume.api', 'API.attach',
    ('self', 'context', 'volume', 'instance_uuid', 'host_name'))
DELETED = patch.Symbol(
    'cinder.volume.api', 'API.attachment_delete',
    ('self', 'ctxt', 'attachment'))
DETACHED = patch.Symbol(
    'cinder.volume.api', 'API.detach',
    ('self', 'context', 'volume', 'attachment_id'))


class Protection:
    """What is replaced in one cinder-api.

    :param conf: Cinder's configuration
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        options.register_opts(conf)
        self._requesters = requester.Requesters(conf)
        self._connections = connections.Connections(self._requesters)

    def patches(self) -> list[patch.Patch]:
        return [patch.Patch(AUTHORIZE, self._authorize),
                patch.Patch(RESERVE, self._reserve),
                patch.Patch(ATTACHED, self._attach),
                patch.Patch(DELETED, self._delete),
                patch.Patch(DETACHED, self._detach),
                patch.Patch(DELETION_ALLOWED, self._deletion_allowed),
                *self._connections.patches(),
                *views.patches()]

    def _authorize(self, original: Callable, context: Any, action: str,
                   target: Any = None, target_obj: Any = None,
                   fatal: bool = True) -> Any:
        asking = self._requesters.without_unproven_roles(context)
        allowed = original(asking, action, target, target_obj, fatal)
        if allowed and action in GUARDED:
            self._guard(context, action, target_obj)
        return allowed

    def _guard(self, context: Any, action: str, target: Any) -> None:
        """Check that nothing is touched that somebody else holds.

        :param target: an attachment; or a volume, and so all attachments of
            it: what ends a connection or an export may hit each of them
        :raises Held: something is
        """
        home_id = self._requesters.home(context)
        alone = isinstance(target, objects.VolumeAttachment)
        volume_id = target.volume_id if alone else target.id
        held = holder.of_volume(context, volume_id)
        # NOTE: policy lets another cloud's Nova reset what has no attachment.
        # It must not end others' attachments by that, whosever they are.
        strict = (action == _RESET and home_id is not None
                  and not context.is_admin)
        if not strict and not any(each.home_id for each in held.values()):
            return
        for each in attachments.of_volume(context, volume_id):
            by = held.get(each.id)
            if alone and each.id != target.id:
                continue
            if strict and (by is None or by.home_id != home_id):
                raise refusals.refusal(context, action, each, by)
            if by is not None and by.home_id not in (None, home_id) and (
                    not _may_end(context, action, each, by, home_id)):
                raise refusals.refusal(context, action, each, by)

    def _reserve(self, original: Callable, api: Any, context: Any,
                 volume: Any, instance_uuid: str | None = None) -> Any:
        """Make an attachment, and note its holder.

        :raises Held: it names a server that somebody else has attached the
            volume to; Cinder would take it for a server that moves
        """
        home_id = self._requesters.home(context)
        if instance_uuid and volume.volume_attachment:
            held = holder.of_volume(context, volume.id)
            for each in attachments.of_volume(context, volume.id):
                by = held.get(each.id)
                if (by is not None and by.home_id != home_id
                        and each.instance_uuid == instance_uuid):
                    raise refusals.refusal(context, 'reserve', each, by)
        attachment = original(api, context, volume, instance_uuid)
        self._note(context, attachment)
        return attachment

    def _attach(self, original: Callable, api: Any, context: Any,
                volume: Any, *args: Any, **kwargs: Any) -> Any:
        """Attach by ``os-attach``, and note who has done that."""
        attachment = original(api, context, volume, *args, **kwargs)
        if isinstance(attachment, objects.VolumeAttachment):
            self._note(context, attachment)
        return attachment

    def _note(self, context: Any, attachment: Any) -> None:
        if self._requesters.is_own_service(context):
            holder.note_own(context, attachment)
        else:
            attachments.note(context, attachment,
                             self._requesters.home(context))

    def _delete(self, original: Callable, api: Any, context: Any,
                attachment: Any) -> Any:
        """Delete an attachment, and the note of it."""
        left = original(api, context, attachment)
        notes.forget(context, attachment.volume_id, [attachment.id])
        return left

    def _detach(self, original: Callable, api: Any, context: Any,
                volume: Any, attachment_id: str | None) -> Any:
        """Detach by ``os-detach``, likewise."""
        ended = [attachment_id] if attachment_id else [
            each.id for each in volume.volume_attachment]
        result = original(api, context, volume, attachment_id)
        notes.forget(context, volume.id, ended)
        return result

    def _deletion_allowed(self, original: Callable, api: Any, context: Any,
                          attachment_or_attachment_id: Any,
                          volume: Any = None) -> None:
        """Cinder's check; a service token counts for what it attached."""
        if self._requesters.is_own_service(context):
            original(api, context, attachment_or_attachment_id, volume)
            return
        home_id = self._requesters.home(context)
        ended, held = _concerned(context, attachment_or_attachment_id, volume)
        if home_id is not None and all(
                each.id in held and held[each.id].home_id == home_id
                for each in ended):
            return
        # NOTE: it may be of this cloud's own Nova, or older than the
        # protection. Cinder asks Nova, as for a user.
        asking = self._requesters.as_user(context)
        try:
            original(api, asking, attachment_or_attachment_id, volume)
        except nova_exceptions.Forbidden as exc:
            if home_id is None:
                raise
            # Nova has the server, and shows it to its own users only.
            raise exception.ConflictNovaUsingAttachment(
                instance_id='') from exc
        except ksa_exceptions.EndpointNotFound:
            if not _is_storage_only(context):
                raise
        if home_id is None:
            _check_known(context, ended, held)


def _may_end(context: Any, action: str, attachment: Any, by: holder.Holder,
             home_id: str | None) -> bool:
    """Whether what another cloud holds may nevertheless be ended."""
    if action == _RESET and context.is_admin:
        LOG.warning(
            'Administrator %(user)s resets volume %(volume)s in spite of '
            'attachment %(attachment)s for server %(server)s of another '
            'cloud: %(by)s', {
                'user': context.user_id, 'volume': attachment.volume_id,
                'attachment': attachment.id, 'by': by,
                'server': attachment.instance_uuid})
        return True
    return action in _ENDS and home_id is None and (
        attachments.is_reserved(attachment)
        and attachments.begin_to_end(attachment))


def _concerned(context: Any, attachment_or_id: Any, volume: Any
               ) -> tuple[list[Any], Mapping[str, holder.Holder]]:
    """Return the attachments that Cinder's check is about, and their holders.

    Without one in particular it is about all of the volume.
    """
    wanted = (attachment_or_id if isinstance(attachment_or_id, str)
              else attachment_or_id and attachment_or_id.id)
    volume_id = volume.id if volume else attachment_or_id.volume_id
    present = attachments.of_volume(context, volume_id)
    held = holder.of_volume(context, volume_id)
    return [each for each in present if wanted in (None, each.id)], held


def _is_storage_only(context: Any) -> bool:
    """Whether this cloud has no Nova that could use an attachment."""
    known = {each.get('type') for each in context.service_catalog}
    return 'identity' in known and 'compute' not in known


def _check_known(context: Any, ended: list[Any],
                 held: Mapping[str, holder.Holder]) -> None:
    """Check that a user ends nothing that a Nova may have made.

    That this cloud's Nova does not know an attachment says nothing: it may be
    another's, whose note is lost or was never made. A Nova always names the
    server.

    :raises HolderUnknown: there is something else
    """
    for each in ended:
        if each.id not in held and each.instance_uuid and (
                not attachments.is_reserved(each)):
            raise refusals.refusal(context, 'delete', each, None)


def load(conf: cfg.ConfigOpts) -> None:
    """Put the protection into this process, once.

    :param conf: Cinder's configuration
    :raises mixmatch.patch.DoesNotFit: the installed Cinder is not the one
        that the patches were written for; nothing is patched then
    """
    if patch.owner_of(AUTHORIZE) is None:
        protection = Protection(conf)
        patch.apply(protection, protection.patches())
        LOG.info('Attachments of other clouds are protected; their Nova has '
                 'one of the roles %s', ', '.join(conf.mixmatch.home_roles))


def factory(global_conf: dict[str, str], **local_conf: str
            ) -> Callable[[Callable], Callable]:
    """The filter factory of paste.deploy; loading it is the point.

    A cinder-api that does not fit does not start.
    """
    load(cfg.CONF)
    return lambda application: application
