"""The library under the suite: contract, wire, guard, model helpers and reports. Knows no pytest."""
