"""Whether an object is one that Kubernetes, or the Prometheus operator, takes: nothing wrong and nothing unknown in it."""

import functools

import kubernetes_validate

# The newest that the chart is tested with, and the oldest whose schemas are to be had. tests/setup.sh keeps no others.
VERSIONS = ("1.37", "1.25")


def complaints(one):
    if one["apiVersion"].startswith("monitoring.coreos.com/"):
        return operator_complaints(one)
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(one, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            return f"{version}: {error}"
    return None


def operator_complaints(one):
    try:
        model = getattr(operator(), one["kind"]).model_validate(one)
    except ValueError as error:
        return str(error)
    known = model.model_dump(by_alias=True, exclude_unset=True, mode="json")
    return unknown(one, known, one["kind"])


def unknown(given, known, path):
    """The first thing in what was given that the model has no field for."""
    if isinstance(given, dict):
        for key, value in given.items():
            if key not in known:
                return f"{path}.{key}: unknown"
            if found := unknown(value, known[key], f"{path}.{key}"):
                return found
    if isinstance(given, list):
        return next(filter(None, (unknown(a, b, f"{path}[]") for a, b in zip(given, known))), None)
    return None


@functools.cache
def operator():
    """Its models take seconds to load."""
    from cloudcoil.models.prometheus_operator import v1

    return v1
