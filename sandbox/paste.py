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

"""Another configuration of the cinder-api of a cloud, for a while."""

from collections.abc import Callable, Iterator, Mapping
import contextlib
import re

from sandbox import client
from sandbox import ini
from sandbox.services import cinder
from sandbox import topology


@contextlib.contextmanager
def changed(sandbox: client.Sandbox, cloud: str,
            change: Callable[[str], str], file_name: str = 'api-paste.ini'
            ) -> Iterator[None]:
    """Run a cinder-api with another ``api-paste.ini``, or ``cinder.conf``."""
    with all_changed(sandbox, cloud, {file_name: change}):
        yield


@contextlib.contextmanager
def all_changed(sandbox: client.Sandbox, cloud: str,
                changes: Mapping[str, Callable[[str], str]]
                ) -> Iterator[None]:
    """Run a cinder-api with several other files; restart it but once."""
    folder = sandbox.site.etc(topology.by_name(cloud), 'cinder')
    texts = {name: (folder / name).read_text() for name in changes}
    try:
        for name, change in changes.items():
            (folder / name).write_text(change(texts[name]))
            assert (folder / name).read_text() != texts[name], name
        sandbox.control('restart', cloud, 'cinder-api')
        yield
    finally:
        for name, text in texts.items():
            (folder / name).write_text(text)
        sandbox.control('restart', cloud, 'cinder-api')


def with_protection(text: str) -> str:
    """As at a service provider."""
    return ini.add_filter(
        text, 'mixmatch_protection', 'egg:mixmatch#cinder_protection',
        'keystonecontext',
        {'openstack_volume_api_v3': ('keystone', 'keystone_nolimit')})


def without_protection(text: str) -> str:
    """Undo :func:`with_protection`."""
    return text.replace(' mixmatch_protection', '')


def trusting(role: str) -> dict[str, Callable[[str], str]]:
    """All that a service provider changes for the Nova of another cloud.

    :param role: of that Nova
    """
    policy = ''.join(
        f'"{name}": "{rule} or (role:{role} and '
        'project_id:%(project_id)s)"\n'
        for name, rule in cinder.POLICIES.items())
    return {
        'api-paste.ini': with_protection,
        'policy.yaml': lambda text: policy,
        'cinder.conf': lambda text: re.sub(
            '(?m)^(service_token_roles *= *.*)$', rf'\1,{role}', text)}
