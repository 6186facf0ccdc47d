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

"""Another configuration of an API of a cloud, for a while."""

from collections.abc import Callable, Iterator
import contextlib
import pathlib

from sandbox import client
from sandbox import ini
from sandbox import topology


@contextlib.contextmanager
def changed(sandbox: client.Sandbox, cloud: str,
            change: Callable[[str], str], file_name: str = 'api-paste.ini',
            service: str = 'cinder') -> Iterator[None]:
    """Run an API with another ``api-paste.ini``, or another such file."""
    path = sandbox.site.etc(topology.by_name(cloud), service) / file_name
    text = path.read_text()
    try:
        path.write_text(change(text))
        assert path.read_text() != text, path
        sandbox.control('restart', cloud, f'{service}-api')
        yield
    finally:
        path.write_text(text)
        sandbox.control('restart', cloud, f'{service}-api')


def with_images(text: str) -> str:
    """Add the filter of images of other clouds to home's Glance."""
    return ini.add_filter(
        text, 'mixmatch', 'egg:mixmatch#glance', 'context',
        {'api': ('keystone', 'keystone+caching', 'keystone+cachemanagement')})


def keeping_images(folder: pathlib.Path) -> Callable[[str], str]:
    """Return what has home's Glance keep the bits of images of other clouds.

    :param folder: where its cache is
    """
    def change(text: str) -> str:
        return text.replace(
            '[DEFAULT]\n', f'[DEFAULT]\nimage_cache_dir = {folder}\n'
            # Names the host in the cache's database.
            'worker_self_reference_url = http://127.0.0.1\n').replace(
                '[mixmatch]\n', '[mixmatch]\ncache_images = true\n')
    return change


def with_endpoint(text: str, service_provider: str, url: str) -> str:
    """Have the Cinder of a service provider be asked at another URL."""
    before, header, after = text.partition(
        f'[service_provider:{service_provider}]\n')
    return f'{before}{header}endpoint_override = {url}\n{after}'


def with_protection(text: str) -> str:
    """Add the filter that a service provider has."""
    return ini.add_filter(
        text, 'mixmatch_protection', 'egg:mixmatch#cinder_protection',
        'keystonecontext',
        {'openstack_volume_api_v3': ('keystone', 'keystone_nolimit')})


def without_protection(text: str) -> str:
    """Undo :func:`with_protection`."""
    return text.replace(' mixmatch_protection', '')
