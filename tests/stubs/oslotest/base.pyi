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

"""Types of oslotest, as far as tests use it, for mypy.

Without them each test case is of an unknown type and has each attribute.
"""

from typing import Any
import unittest

class BaseTestCase(unittest.TestCase):
    def useFixture(self, fixture: Any) -> Any: ...
    def addDetail(self, name: str, content_object: Any) -> None: ...
    def getDetails(self) -> dict[str, Any]: ...
    def assertThat(self, matchee: Any, matcher: Any) -> None: ...
    # testtools returns the exception.
    def assertRaises(self, expected: Any, *args: Any,  # type: ignore
                     **kwargs: Any) -> Any: ...
    def patch(self, obj: Any, attribute: str, value: Any) -> None: ...
