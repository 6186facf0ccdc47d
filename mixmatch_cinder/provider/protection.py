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

"""Protection of attachments that the Nova of another cloud owns.

Cinder asks the Nova of its own cloud whether an attachment is in use
(CVE-2023-2088). That Nova does not know the servers of other clouds, so
Cinder would let any user delete their attachments. Here each attachment has an
owner (see :mod:`mixmatch_cinder.provider.owner`), and only a service token of
the owner may change it. A requester without a service token is a user, and an
attachment without a record may have any owner.

The checks are inside cinder-api, where all ways to an attachment meet, and not
in front of it, since only Cinder decides the meaning of a path or a body. ::

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
from mixmatch_cinder.provider import exceptions
from mixmatch_cinder.provider import owner
from mixmatch_cinder.provider import owner_store
from mixmatch_cinder.provider import requester
from mixmatch_cinder.provider import views

LOG = logging.getLogger(__name__)

_ADMIN_ACTION = 'volume_extension:volume_admin_actions:'
_RESET = _ADMIN_ACTION + 'reset_status'
#: Policies of actions that end an attachment: a reserved one may be ended.
_ENDS = frozenset({
    attachment_policy.DELETE_POLICY, action_policy.DETACH_POLICY,
    _ADMIN_ACTION + 'force_detach'})
#: Policies of actions that change an attachment, its connections or its data.
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
    """Wrappers for functions of one cinder-api.

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
        proven = self._requesters.without_unproven_roles(context)
        allowed = original(proven, action, target, target_obj, fatal)
        if allowed and action in GUARDED:
            self._guard(context, action, target_obj)
        return allowed

    def _guard(self, context: Any, action: str, target: Any) -> None:
        """Check that an action affects no attachment of another owner.

        :param target: an attachment; or a volume, and so all its attachments,
            since the end of a connection or an export may affect any of them
        :raises AttachmentProtected: the action affects one
        """
        home_id = self._requesters.home_domain(context)
        is_attachment = isinstance(target, objects.VolumeAttachment)
        volume_id = target.volume_id if is_attachment else target.id
        owners = owner.list_for_volume(context, volume_id)
        # NOTE: policy lets the Nova of another cloud reset a volume without
        # attachments. That must not end attachments of any other owner.
        strict = (action == _RESET and home_id is not None
                  and not context.is_admin)
        if not strict and not any(each.home_id for each in owners.values()):
            return
        for each in attachments.list_for_volume(context, volume_id):
            owned_by = owners.get(each.id)
            if is_attachment and each.id != target.id:
                continue
            if strict and (owned_by is None or owned_by.home_id != home_id):
                raise exceptions.attachment_protected(
                    context, action, each, owned_by)
            if owner.is_of_another_cloud(owned_by, home_id) and not _may_end(
                    context, action, each, owned_by, home_id):
                raise exceptions.attachment_protected(
                    context, action, each, owned_by)

    def _reserve(self, original: Callable, api: Any, context: Any,
                 volume: Any, instance_uuid: str | None = None) -> Any:
        """Create an attachment, and record its owner.

        :raises AttachmentProtected: another owner has attached the volume to
            the named server; Cinder would treat it as a server that moves
        """
        home_id = self._requesters.home_domain(context)
        if instance_uuid and volume.volume_attachment:
            owners = owner.list_for_volume(context, volume.id)
            for each in attachments.list_for_volume(context, volume.id):
                owned_by = owners.get(each.id)
                if (owned_by is not None and owned_by.home_id != home_id
                        and each.instance_uuid == instance_uuid):
                    raise exceptions.attachment_protected(
                        context, 'reserve', each, owned_by)
        attachment = original(api, context, volume, instance_uuid)
        self._record_owner(context, attachment)
        return attachment

    def _attach(self, original: Callable, api: Any, context: Any,
                volume: Any, *args: Any, **kwargs: Any) -> Any:
        """Attach by ``os-attach``, and record the owner."""
        attachment = original(api, context, volume, *args, **kwargs)
        if isinstance(attachment, objects.VolumeAttachment):
            self._record_owner(context, attachment)
        return attachment

    def _record_owner(self, context: Any, attachment: Any) -> None:
        if self._requesters.is_own_service(context):
            owner.record_own_service(context, attachment)
        else:
            attachments.record_owner(context, attachment,
                                     self._requesters.home_domain(context))

    def _delete(self, original: Callable, api: Any, context: Any,
                attachment: Any) -> Any:
        """Delete an attachment, and the record of its owner."""
        left = original(api, context, attachment)
        owner_store.delete(context, attachment.volume_id, [attachment.id])
        return left

    def _detach(self, original: Callable, api: Any, context: Any,
                volume: Any, attachment_id: str | None) -> Any:
        """Detach by ``os-detach``, and delete the records of owners."""
        ended = [attachment_id] if attachment_id else [
            each.id for each in volume.volume_attachment]
        result = original(api, context, volume, attachment_id)
        owner_store.delete(context, volume.id, ended)
        return result

    def _deletion_allowed(self, original: Callable, api: Any, context: Any,
                          attachment_or_attachment_id: Any,
                          volume: Any = None) -> None:
        """Check a deletion; a service token counts for its own attachments."""
        if self._requesters.is_own_service(context):
            original(api, context, attachment_or_attachment_id, volume)
            return
        home_id = self._requesters.home_domain(context)
        ended, owners = _attachments_and_owners(
            context, attachment_or_attachment_id, volume)
        if home_id is not None and all(
                each.id in owners and owners[each.id].home_id == home_id
                for each in ended):
            return
        # NOTE: the owner may be the Nova of this cloud, or the attachment
        # older than the protection. Cinder asks Nova, as for a user.
        as_user = self._requesters.as_user(context)
        try:
            original(api, as_user, attachment_or_attachment_id, volume)
        except nova_exceptions.Forbidden as exc:
            if home_id is None:
                raise
            # Nova has the server, but shows it to users of this cloud only.
            raise exception.ConflictNovaUsingAttachment(
                instance_id='') from exc
        except ksa_exceptions.EndpointNotFound:
            if not _is_storage_only(context):
                raise
        if home_id is None:
            _check_owners_known(context, ended, owners)


def _may_end(context: Any, action: str, attachment: Any,
             owned_by: owner.Owner | None, home_id: str | None) -> bool:
    """Return True if an attachment of another cloud may still be ended."""
    if action == _RESET and context.is_admin:
        LOG.warning(
            'Administrator %(user)s resets volume %(volume)s despite '
            'attachment %(attachment)s for server %(server)s, owned by '
            '%(owner)s', {
                'user': context.user_id, 'volume': attachment.volume_id,
                'attachment': attachment.id, 'owner': owned_by,
                'server': attachment.instance_uuid})
        return True
    return action in _ENDS and home_id is None and (
        attachments.is_reserved(attachment)
        and attachments.begin_delete(attachment))


def _attachments_and_owners(
        context: Any, attachment_or_id: Any, volume: Any
) -> tuple[list[Any], Mapping[str, owner.Owner]]:
    """Return the attachments that a deletion check is about, and all owners.

    Without an attachment the check is about all attachments of the volume.
    """
    wanted = (attachment_or_id if isinstance(attachment_or_id, str)
              else attachment_or_id and attachment_or_id.id)
    volume_id = volume.id if volume else attachment_or_id.volume_id
    present = attachments.list_for_volume(context, volume_id)
    owners = owner.list_for_volume(context, volume_id)
    return [each for each in present if wanted in (None, each.id)], owners


def _is_storage_only(context: Any) -> bool:
    """Return True if this cloud has no Nova that could use an attachment."""
    known = {each.get('type') for each in context.service_catalog}
    return 'identity' in known and 'compute' not in known


def _check_owners_known(context: Any, ended: list[Any],
                        owners: Mapping[str, owner.Owner]) -> None:
    """Check that a user ends no attachment that a Nova may have created.

    An attachment that the Nova of this cloud does not know may still belong to
    another Nova, if its record is lost or was never made. A Nova always names
    the server.

    :raises OwnerUnknown: a Nova may have created one of them
    """
    for each in ended:
        if each.id not in owners and each.instance_uuid and (
                not attachments.is_reserved(each)):
            raise exceptions.attachment_protected(
                context, 'delete', each, None)


def load(conf: cfg.ConfigOpts) -> None:
    """Apply the protection to this process, once.

    :param conf: Cinder's configuration
    :raises mixmatch.patch.DoesNotFit: the patches do not fit the installed
        Cinder; nothing is patched then
    """
    if patch.owner_of(AUTHORIZE) is None:
        protection = Protection(conf)
        patch.apply(protection, protection.patches())
        LOG.info('Attachments of other clouds are protected; their Nova has '
                 'one of the roles %s', ', '.join(conf.mixmatch.home_roles))


def factory(global_conf: dict[str, str], **local_conf: str
            ) -> Callable[[Callable], Callable]:
    """Create the paste.deploy filter, which only applies the protection.

    A cinder-api that the patches do not fit does not start.
    """
    load(cfg.CONF)
    return lambda application: application
