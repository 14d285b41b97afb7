"""The table of operations and the OpenAPI documents say the same."""

from __future__ import annotations

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from mock_capgo import errors
from mock_capgo.access.permissions import PERMISSIONS, ROLES
from mock_capgo.dialects import documented, live
from mock_capgo.operations import BY_ID, OPERATIONS
from mock_capgo.server.openapi import bundled

_METHODS = ("get", "put", "post", "delete")


def _in_document(dialect: str) -> dict[tuple[str, str], dict]:
    return {
        (method.upper(), path.rstrip("/")): operation
        for path, item in bundled(dialect)["paths"].items()
        for method, operation in item.items()
        if method in _METHODS
    }


def _in_table(dialect: str) -> dict[tuple[str, str], str]:
    return {
        (operation.method, operation.path): operation.id
        for operation in OPERATIONS
        if operation.documented or dialect == "live"
    }


@pytest.mark.parametrize("dialect", ["documented", "live"])
def test_table_and_document_have_the_same_operations(dialect: str) -> None:
    """Every row of the table is in the dialect's document, and every operation of the document is a row."""
    document = {route: operation["operationId"] for route, operation in _in_document(dialect).items()}
    assert document == _in_table(dialect)


@pytest.mark.parametrize("dialect", ["documented", "live"])
def test_table_and_document_ask_for_the_same_permission(dialect: str) -> None:
    """The permission that a row names is the one that the document names."""
    for operation in _in_document(dialect).values():
        assert operation["x-permission"] == BY_ID[operation["operationId"]].permission, operation["operationId"]


@pytest.mark.parametrize("dialect", ["documented", "live"])
def test_document_is_openapi_31(dialect: str) -> None:
    """The bundled document satisfies the OpenAPI 3.1 meta-schema, and refers to no other file."""
    document = bundled(dialect)
    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"].startswith("3.1")
    assert ".json#" not in str(document)


def test_there_are_thirty_documented_operations() -> None:
    """The published API has 30 operations; reading and changing one API key, and /ok, come on top."""
    documented_ids = {operation.id for operation in OPERATIONS if operation.documented}
    ours = {"getApiKey", "updateApiKey", "updateApiKeyByBody", "getHealth", "postHealth"}
    assert len(documented_ids - ours) == 30


def test_every_operation_can_be_answered_in_every_dialect_that_has_it() -> None:
    """Each dialect has a formatter for exactly the operations that it speaks."""
    assert set(documented.SUCCESS) == {operation.id for operation in OPERATIONS if operation.documented}
    assert set(live.SUCCESS) == {operation.id for operation in OPERATIONS}


def test_permissions_name_known_roles_and_operations_known_permissions() -> None:
    """No row of one table names what another table does not have."""
    assert {role for holders in PERMISSIONS.values() for role in holders} <= set(ROLES)
    for operation in OPERATIONS:
        assert operation.permission in (None, "org.create", *PERMISSIONS), operation.id


def test_catalogue_names_are_the_constants_names() -> None:
    """An error's name is the name of its constant, so that either finds the other."""
    for name, error in errors.CATALOGUE.items():
        assert getattr(errors, name) is error
        assert error.name == name
