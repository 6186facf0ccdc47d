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

"""Rules for what is sent on to the cloud of a resource, and what is refused.

Sent on is what is that cloud's own business, can be done by one request, and
has an answer that is true in this cloud. ``doc/source/user/commands.rst`` has
the same by commands; a test compares the two.
"""

from mixmatch_cinder.home import routes

#: Actions that are sent on, by collection.
#:
#: Not the upload of an image (:data:`UPLOAD`), which would be in the Glance of
#: the service provider; nor a new image for a volume, which would come from
#: there; nor a migration, for which one has to know its hosts; nor what only
#: services do.
ACTIONS = {
    'volumes': frozenset({
        'os-extend', 'os-retype', 'os-set_bootable',
        'os-update_readonly_flag', 'os-set_image_metadata',
        'os-show_image_metadata', 'os-unset_image_metadata',
        'os-reset_status', 'os-force_delete', 'os-unmanage', 'revert'}),
    'snapshots': frozenset({
        'os-reset_status', 'os-force_delete', 'os-unmanage'})}

#: Action that makes an image of a volume, which only a cloud whose Glance has
#: the filter can show.
UPLOAD = 'os-volume_upload_image'

#: Commands that do at the service provider what is refused here: by action,
#: or by the collection of a new resource.
_COMMANDS = {
    UPLOAD: 'image create --volume {id} NAME',
    'os-migrate_volume': 'volume migrate --host HOST {id}',
    'backups': 'volume backup create {id}',
    'manageable_snapshots':
        'volume snapshot create --volume {id} --remote-source KEY=VALUE NAME',
    'os-snapshot-manage':
        'volume snapshot create --volume {id} --remote-source KEY=VALUE NAME',
    'volume-transfers': 'volume transfer request create {id}',
    'os-volume-transfer': 'volume transfer request create {id}'}


def is_sent_on(route: routes.Route, method: str, action: str = '') -> bool:
    """Return True if a request about one volume or snapshot is sent on.

    :param route: of a request that Cinder has
    :param action: of ``POST /action``
    """
    if route.below == '/action':
        return action in ACTIONS[route.collection]
    # NOTE: a key of dots would be no part of a path on its way, and one field
    # of the encryption is answered without JSON.
    return route.has(method) and not (
        route.below.endswith(('/.', '/..'))
        or route.below.startswith('/encryption/'))


def command(what: str, resource: routes.Resource) -> str:
    """Return the command that does what is refused, at the service provider.

    :param what: an action, or the collection of a new resource
    :param resource: what it is done with
    """
    found = _COMMANDS.get(what)
    if found is None:
        return '...'
    return ('--os-remote-project-name PROJECT '
            '--os-remote-project-domain-name DOMAIN '
            + found.format(id=resource.id))
