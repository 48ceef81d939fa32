import pytest

from core.access import LOGIN_COOKIE, create_person
from core.access.roles import Role
from core.moments import MINUTE
from tests_cabinet import Browser, Centre, plain
