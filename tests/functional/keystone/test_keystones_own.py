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

"""Keystone's own tests of its mapped plugin, with ours in its place.

They run from the installed Keystone. Not among them: what only repeats these
with another method of rescoping, and single sign-on in a browser, which needs
a file that is not installed with Keystone.
"""

from keystone.tests.unit import test_v3
from keystone.tests.unit import test_v3_federation as theirs

from tests.functional.keystone import base


class Ours(base.OurPlugin, test_v3.RestfulTestCase):
    pass


class TestFederatedToken(theirs.FederatedTokenTests, Ours):
    pass


class TestFederatedUser(theirs.FederatedUserTests, Ours):
    pass


class TestFernetFederatedToken(theirs.FernetFederatedTokenTests, Ours):
    pass


class TestShadowMapping(theirs.ShadowMappingTests, Ours):
    pass
