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

"""Configuration of home's Nova, changed for a while."""

from collections.abc import Iterator, Mapping
import contextlib
import re

from oslotest import base

from sandbox import client
from sandbox import topology
from tests.scenario import lossy

#: Nova's processes that reach other clouds, by what they read.
NOVA = {'nova.conf': ('nova-api', 'nova-conductor'),
        'nova-cpu.conf': ('nova-compute',)}


class Configured(base.BaseTestCase):
    """Mixed into a scenario: runs processes with other lines."""

    sandbox: client.Sandbox
    home: str
    provider: str

    @classmethod
    @contextlib.contextmanager
    def configured(cls, service: str | tuple[str, ...], file_name: str,
                   section: str, pattern: str,
                   replacement: str) -> Iterator[None]:
        """Run some of moc's Nova processes with another line for a while.

        :param service: one of those that read the file, or several
        :param pattern: of one line, in or after the section
        :param replacement: the line instead; none if it is empty
        """
        services = (service,) if isinstance(service, str) else service
        with cls._configured({file_name: services}, section, pattern,
                             replacement):
            yield

    @classmethod
    def through_lossy_way(cls, service: str | tuple[str, ...],
                          file_name: str) -> lossy.Way:
        """Have some of moc's Nova reach bu's Cinder by a way of the class.

        :param service: one of those that read the file, or several
        """
        way = cls.enterClassContext(lossy.way_to(topology.url(
            topology.by_name(cls.provider), 'cinder')))
        cls.enterClassContext(cls.configured(
            service, file_name, f'service_provider:{cls.provider}',
            f'region_name = {cls.provider}', f'region_name = {cls.provider}\n'
            f'endpoint_override = {way.entry}/v3\n'))
        return way

    @classmethod
    @contextlib.contextmanager
    def configured_all(cls, section: str, pattern: str,
                       replacement: str) -> Iterator[None]:
        """The same of all of moc's Nova processes that reach other clouds."""
        with cls._configured(NOVA, section, pattern, replacement):
            yield

    @classmethod
    @contextlib.contextmanager
    def _configured(cls, services: Mapping[str, tuple[str, ...]],
                    section: str, pattern: str,
                    replacement: str) -> Iterator[None]:
        """Run processes with another line for a while.

        :param services: those that are restarted, by their file
        """
        folder = cls.sandbox.site.etc(topology.by_name(cls.home), 'nova')
        texts = {name: (folder / name).read_text() for name in services}
        names = [each for some in services.values() for each in some]
        changed = {}
        for name, text in texts.items():
            before, header, after = text.partition(f'[{section}]')
            changed[name] = before + header + re.sub(
                rf'(?m)^{pattern}\n', replacement, after, count=1)
            assert changed[name] != text, (name, pattern)
        for name, text in changed.items():
            (folder / name).write_text(text)
        try:
            cls.sandbox.control('restart', cls.home, *names)
            yield
        finally:
            for name, text in texts.items():
                (folder / name).write_text(text)
            cls.sandbox.control('restart', cls.home, *names)
