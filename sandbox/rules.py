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

"""The rules of a service provider's Keystone, as its operator has them."""

from collections.abc import Iterator
import contextlib
import copy
import json
import pathlib
from typing import Any

from sandbox import client
from sandbox import topology


class Landlord:
    """Operator of a service provider."""

    def __init__(self, sandbox: client.Sandbox,
                 name: str = topology.PROVIDER) -> None:
        self._site = sandbox.site
        self._etc = sandbox.site.etc(topology.by_name(name), 'keystone')
        self.admin = sandbox.user(name, 'admin').api('identity')

    @property
    def rules_file(self) -> pathlib.Path:
        return self._etc / 'mixmatch.yaml'

    @property
    def rules(self) -> dict[str, Any]:
        # NOTE: the sandbox writes it as JSON, which is YAML, too.
        return json.loads(self.rules_file.read_text())

    def write(self, text: str) -> None:
        """Replace the file as an editor does."""
        new = self.rules_file.with_suffix('.new')
        new.write_text(text)
        new.replace(self.rules_file)

    @contextlib.contextmanager
    def ruling(self, *rules: dict[str, Any], **settings: Any
               ) -> Iterator[None]:
        """Put other rules for moc first for a while.

        :param settings: of the identity provider
        """
        before = self.rules_file.read_text()
        changed = copy.deepcopy(self.rules)
        home = changed['identity_providers'][topology.HOME]
        home.update(settings)
        home['rules'][:0] = rules
        self.write(json.dumps(changed))
        try:
            yield
        finally:
            self.write(before)

    def command(self, *argv: str) -> client.Result:
        """``mixmatch-keystone``"""
        return client.run(self._site.tool('mixmatch-keystone'),
                          '--config-file', str(self._etc / 'keystone.conf'),
                          *argv)
