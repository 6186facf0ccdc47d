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

"""Glance: images in a folder.

Home's knows other clouds, but has no filter for their images yet: scenarios
that want it add it (``sandbox/paste.py``).
"""

from sandbox import ini
from sandbox import model
from sandbox import process
from sandbox.services import common
from sandbox import state


SEEN = ("(project_id:%(project_id)s or project_id:%(member_id)s or "
        "'community':%(visibility)s or 'public':%(visibility)s or "
        "'shared':%(visibility)s)")

#: What reading an image needs, and the role of a user.
POLICIES = {'get_image': 'reader', 'download_image': 'member'}


def policy(cloud: model.Cloud) -> str:
    """Return the policy for the Glance of another cloud."""
    lines = []
    for name, role in POLICIES.items():
        rule = f'rule:context_is_admin or (role:{role} and {SEEN})' + ''.join(
            f' or (role:{trust.image_role} and {SEEN})'
            for trust in cloud.trusts)
        lines.append(f'"{name}": "{rule}"\n')
    return ''.join(lines) if cloud.trusts else '{}\n'


def render(site: state.Site, cloud: model.Cloud) -> None:
    """One file store."""
    etc, var = site.etc(cloud, 'glance'), site.var(cloud, 'glance')
    for name in ('images', 'staging', 'tasks'):
        (var / name).mkdir(exist_ok=True)
    paste = 'glance-api-paste.ini'
    site.write(etc / paste, common.installed(
        site, f'glance/{paste}').read_text())
    sections: dict[str, ini.Section] = {
        'DEFAULT': {
            **common.debug(),
            'enabled_backends': 'files:file',
            'node_staging_uri': f'file://{var}/staging',
            'state_path': var,
            'workers': 1},
        'glance_store': {'default_backend': 'files'},
        'files': {'filesystem_store_datadir': var / 'images'},
        'os_glance_staging_store': {
            'filesystem_store_datadir': var / 'staging'},
        'os_glance_tasks_store': {'filesystem_store_datadir': var / 'tasks'},
        'database': {'connection': common.database(cloud, 'glance')},
        'keystone_authtoken': common.authtoken(cloud, 'glance'),
        'paste_deploy': {'flavor': 'keystone', 'config_file': etc / paste},
        'oslo_concurrency': common.lock_path(site, cloud),
        'oslo_policy': {'policy_file': etc / 'policy.yaml'},
    }
    site.write(etc / 'policy.yaml', policy(cloud))
    if cloud.home and not site.mode.plain:
        sections['service_user'] = common.service_user(cloud, 'glance')
        sections.update(common.mixmatch(cloud, site.mode.patient))
    site.write(etc / 'glance-api.conf', ini.render(sections))


def nodes(site: state.Site, cloud: model.Cloud) -> list[model.Node]:
    """Database and API."""
    name, etc = cloud.name, site.etc(cloud, 'glance')

    def database() -> None:
        process.run(site, f'{name}/glance-database',
                    site.tool('glance-manage'), '--config-file',
                    str(etc / 'glance-api.conf'), 'db_sync')

    return [
        model.Task(name, 'glance-database', database, ('shared/databases',)),
        common.api(
            site, cloud, 'glance',
            common.uwsgi(site, common.listen(cloud, 'glance'),
                         'glance.wsgi.api', processes=common.PROCESSES),
            {'OS_GLANCE_CONFIG_DIR': str(etc)}, (f'{name}/glance-database',),
            process='glance-api'),
    ]
